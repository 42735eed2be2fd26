"""Import of a product's kept resources: the engine imports them instead of creating them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pulumi

from alchemesh_platform.compose.plan import Kept

# The engine refuses an import that differs from the program. The next run changes the differences.
EVERYTHING = ("*",)


def adoption(kept: Iterable[Kept]) -> pulumi.ResourceTransformation:
    """Import kept resources that still have the name that the program gives them.

    Without the comparison of names, a platform file with changed names would import a resource with another name and
    replace it.
    """
    ids = {(one.type, one.name): one.id for one in kept}
    passed_over: set[str] = set()

    def adopt(resource: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        identity = ids.get((resource.type_, resource.name))
        if identity is None:
            return None
        parents = (identity[:end] for end, letter in enumerate(identity) if letter == "/")
        if not _names(identity) & _texts(resource.props) or any(one in passed_over for one in parents):
            passed_over.add(identity)
            return None
        taken = pulumi.ResourceOptions(import_=identity, ignore_changes=list(EVERYTHING))
        return pulumi.ResourceTransformationResult(resource.props, pulumi.ResourceOptions.merge(resource.opts, taken))

    return adopt


def _names(identity: str) -> set[str]:
    """The names that an id may stand for: its last part, without the domain of an account or the ending of a secret.

    Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html (six random characters)
    """
    last = identity.rpartition("/")[2].partition("@")[0]
    if not identity.startswith("arn:"):
        return {last}
    resource = last.rpartition(":")[2]
    return {last, resource, resource.rpartition("-")[0]}


def _texts(props: object) -> set[str]:
    """The text inputs of a resource, which include its name. Outputs of other resources are not texts."""
    values = props.values() if isinstance(props, Mapping) else vars(props).values()
    return {value for value in values if isinstance(value, str)}
