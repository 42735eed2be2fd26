"""Rules of access: a grant is additive, and its end removes it; so is the access of the product's own code."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.testing.finding import Finding
from alchemesh_platform.testing.rules.declaration import differences, shown
from alchemesh_platform.testing.rules.spec import Report
from alchemesh_platform.testing.run.declared import Declared, DeclaredResource

# Resources that replace the whole list of those who have access. Sources: the pages of google_*_iam_binding,
# google_*_iam_policy, aws_s3_bucket_policy, aws_kms_key_policy, aws_iam_policy_attachment.
WHOLE_LIST = re.compile(
    r"(Iam|IAM)(Binding|Policy)$|(Bucket|Key|Queue|Topic|Resource)Policy$|PolicyAttachment$|BucketAcl$"
)
SAFE_ATTACHMENTS = re.compile(r"(Role|User|Group)PolicyAttachment$")


def others_of(consumer: Consumer) -> tuple[Consumer, Consumer]:
    """Another consumer of the same kind, and the same consumer with another request."""
    other = replace(
        consumer,
        request=f"{consumer.request}-other",
        address="conformance/other" if "/" in consumer.address else "other@conformance.example",
        users=("other@conformance.example",),
        teams=("conformance/other",) if consumer.teams else (),
        product="conformance/other" if consumer.product else None,
        identity=None,
    )
    return other, replace(consumer, request=f"{consumer.request}-again")


def check_additive(rule: str, without: Declared, with_it: Declared, report: Report) -> Iterator[Finding]:
    """The resources without it are all there with it, and unchanged.

    Args:
        rule: ``grant-is-additive`` or ``admit-is-additive``.
        without: The run without the access.
        with_it: The run with it.
    """
    after: dict[tuple[str, str], list[DeclaredResource]] = {}
    for each in with_it.resources:  # two with one name are compared both: which one is registered last is a race
        after.setdefault(each.key, []).append(each)
    for key, resource in sorted(without.by_key().items()):
        if key not in after:
            yield report(rule, f"{key[0]} {key[1]!r} is no longer declared")
        for each in after.get(key, ()):
            for path, old, new in differences(dict(resource.inputs), dict(each.inputs)):
                if path.partition(".")[0].partition("[")[0] not in resource.ignored:
                    yield report(rule, f"{key[0]} {key[1]!r}: {path} changes from {shown(old)} to {shown(new)}")


def check_removable(rule: str, base: Declared, with_it: Declared, report: Report) -> Iterator[Finding]:
    """The resources of the access are removed with it, and nothing that stays depends on them."""
    added = added_by(base, with_it)
    if rule == "grant-is-revocable" and not added:
        yield report(
            rule,
            "`grant` declares no resource: there is nothing that a revocation removes",
            fix="Declare a resource for the consumer in `grant`, or set guards=False.",
        )
    for resource in added:
        if resource.is_kept:
            yield report(rule, f"{resource.type} {resource.name!r} is kept when the access ends")
    urns = {resource.urn: resource for resource in added}
    for resource in with_it.resources:
        if resource.urn not in urns:
            for urn in sorted(set(resource.dependencies) & urns.keys()):
                yield report(
                    rule, f"{resource.type} {resource.name!r} depends on {urns[urn].name!r}, which ends with the access"
                )


def check_grants(
    consumer: Consumer, base: Declared, alone: Declared, together: Declared, report: Report
) -> Iterator[Finding]:
    """Several grants live side by side.

    Args:
        consumer: The consumer of the case.
        base: The run without grants.
        alone: The run with the grant of the case.
        together: The run with that grant, one of another consumer, and a second one of the same consumer.
    """
    yield from check_additive("grant-is-additive", base, alone, report)
    yield from check_additive("grant-is-additive", alone, together, report)
    yield from check_removable("grant-is-revocable", base, alone, report)
    mine, all_of = added_by(base, alone), added_by(base, together)
    for resource in mine:
        last = resource.type.rpartition(":")[2]
        if WHOLE_LIST.search(last) and not SAFE_ATTACHMENTS.search(last):
            yield report(
                "grant-is-additive",
                f"{resource.type} {resource.name!r} replaces the whole list of those who have access",
                fix="Use the resource for one member: IAMMember instead of IAMBinding or IAMPolicy.",
            )
        named = f"{resource.name} {resource.inputs}"
        if consumer.request not in named and consumer.request.replace("/", "-") not in named:
            yield report(
                "grant-is-revocable",
                f"{resource.type} {resource.name!r} does not name the request {consumer.request!r}",
            )
    counted = Counter(_object(resource) for resource in all_of)
    for resource in mine:
        if counted[_object(resource)] > 1:
            yield report(
                "grant-is-revocable",
                f"{resource.type} {resource.name!r} equals the resource of another request of the same consumer: the "
                "end of one request ends the access of both",
                fix="Put the request into the binding, for example as the title of its condition.",
            )


def added_by(base: Declared, with_it: Declared) -> Sequence[DeclaredResource]:
    """The resources of one run that another does not have."""
    before = base.by_key()
    return [resource for resource in with_it.resources if resource.key not in before]


def _object(resource: DeclaredResource) -> str:
    """The identity of a resource's object: its type and inputs."""
    return json.dumps([resource.type, resource.inputs], sort_keys=True, default=str)
