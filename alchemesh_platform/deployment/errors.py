"""What a provider says of a failure, as a person reads it: the cause alone, and what to do where that is known.

Providers that Pulumi bridges from Terraform say a failure twice, each time in wrappings of their own, and Google's
services hang the details of an error behind it as JSON.

Source: github.com/pulumi/pulumi-terraform-bridge (pkg/tfshim/sdk-v2/provider2.go, pkg/tfbridge/log.go),
github.com/hashicorp/go-multierror (format.go), google.golang.org/api (googleapi/googleapi.go)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from alchemesh_platform.base.document import Node
from alchemesh_platform.base.secrets import mask
from alchemesh_platform.engine.state.object_store import GOOGLE_SIGN_IN

HINT_MARK = "\n\nhint: "  # how a failure's way out follows its sentence, in the messages of our own provider

_AROUND = re.compile(
    r"\A(?:sdk-v2/provider2\.go:\d+: |sdk\.helper_schema: "
    r"|(?:creating|updating|deleting|refreshing|reading|importing) urn:pulumi:\S+: )+"
    r"|(?:\s*: provider=[\w-]+@[\w.+-]+)+\s*\Z"
)
_COUNTED = re.compile(r"\d+ errors? occurred:\s*\n\t\* ")
_NEXT_POINT = "\n\t* "
_DETAILS = re.compile(r"\nDetails:\n(?P<json>\[.*\])", re.DOTALL)
# https://cloud.google.com/storage/docs/json_api/v1/status-codes, https://cloud.google.com/bigquery/docs/error-messages
_REASON = re.compile(
    r"(?<=googleapi: Error \d{3}: )(?P<message>.*\S)\s*, (?:accessNotConfigured|alreadyExists|backendError|badRequest"
    r"|conflict|conditionNotMet|duplicate|forbidden|internalError|invalid|notFound|quotaExceeded|rateLimitExceeded"
    r"|required)\s*\Z",
    re.DOTALL,
)
_SETTING = re.compile(r"\bsettings(?:\.[a-z_]+)+")

_KAFKA_USER = "the user of settings.kafka.security"
_THERE_ALREADY = "remove it, or give this one another name; what an earlier deployment left can be imported"
# What a failure matches: what to do about it, with what the pattern found in braces. The first that matches counts.
_HINTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), hint)
    for pattern, hint in (
        # github.com/IBM/sarama errors.go has the words of Kafka's provider
        (
            r"SASL Authentication failed|kafka.*invalid credentials",
            f"Kafka does not let {_KAFKA_USER} in: check its name, mechanism and the value of its password",
        ),
        (
            r"kafka: client has run out of available brokers",
            "start Kafka, or correct settings.kafka.bootstrap_servers and settings.kafka.security; then run again",
        ),
        (
            r"kafka server: .*not authorized to send this request type",
            f"an ACL has to let {_KAFKA_USER} alter the cluster, for that is what makes ACLs and users; Kafka's "
            "administrators add one",
        ),
        (
            r"kafka server: .*not authorized to access this (?:topic|group)",
            f"an ACL has to let {_KAFKA_USER} do it; Kafka's administrators add one",
        ),
        (
            r"kafka server: Topic with this name already exists",
            "give the topic another name, or no fewer partitions than it has: Kafka takes none away",
        ),
        (
            r"kafka server: .*topic or partition that does not exist",
            "check the name of the topic, or have it created",
        ),
        (
            r"kafka server: Replication-factor is invalid",
            "set settings.kafka.replication to no more than there are brokers",
        ),
        (
            r"kafka server: .*operation on an invalid topic",
            "a topic is called by 1 to 249 letters, digits, dots, underscores and hyphens",
        ),
        # https://cloud.google.com/run/docs/troubleshooting: what a job or a service starts with
        (
            r"Secret projects/(?P<project>[^/\s]+)/secrets/(?P<secret>[^/\s]+)/versions/\S+ was not found",
            "whoever knows the value adds it: `gcloud secrets versions add {secret} --project={project} "
            "--data-file=-`; then run again",
        ),
        (
            r"Permission denied on secret: ",
            "a right that was just given takes some minutes to count: run again",
        ),
        (
            r"Image '(?P<image>[^']+)' not found",
            "build the image and push it: `docker build --tag {image} .`, `docker push {image}`; then run again",
        ),
        (
            r"Error creating Job: googleapi: Error 409: Resource '(?P<job>[^']+)' already exists",
            "a creation that failed may have left it without data: `gcloud run jobs delete {job}`; then run again",
        ),
        (
            r"Error creating Service: googleapi: Error 409: Resource '(?P<service>[^']+)' already exists",
            "a creation that failed may have left it without data: `gcloud run services delete {service}`; then "
            "run again",
        ),
        # https://cloud.google.com/apis/design/errors, https://cloud.google.com/storage/docs/troubleshooting
        (
            r"Error 409: The requested bucket name is not available",
            "bucket names are unique in all of Google Cloud: choose another by settings.gcp.name_prefix",
        ),
        # github.com/hashicorp/terraform-provider-google resource_sql_database_instance.go, resource_storage_bucket.go
        (
            r"failed to delete instance because deletion_protection",
            "set settings.gcp.deletion_protection to false, and deploy that first",
        ),
        (r"delete bucket .* containing objects", "empty the bucket first, or move what is in it"),
        (r"Error 409: .*(?:already exists|[Aa]lready own|alreadyExists)|Error 409: Already Exists", _THERE_ALREADY),
        (
            r"location constraint is not valid|not a valid location|[Ll]ocation \S+ (?:is not supported|does not exist)"
            r"|Error 400: .*\b(?:location|region)\b.*(?:not (?:available|supported|valid)|invalid)",
            "set a region that the service is offered in: settings.gcp.region, or settings.gcp.bigquery_location for "
            "datasets (https://cloud.google.com/about/locations)",
        ),
        (
            r"could not find default credentials|invalid_grant|Error 401: ",
            GOOGLE_SIGN_IN,
        ),
        # https://cloud.google.com/iam/docs/service-agents, https://cloud.google.com/iam/docs/access-change-propagation
        (
            r"[Ss]ervice account (?:service|project)-\d+@\S+ does not exist",
            "Google makes an agent when it is first asked for: `alchemesh platform up` does, and `gcloud beta services "
            "identity create --service=…`",
        ),
        (
            r"Cloud Pub/Sub did not have the necessary permissions|Failed to obtain the location of the .* bucket",
            "Google's agent lacks a right on a bucket or key: one that it was given a moment ago takes minutes to "
            "reach it, so run again; for what belongs to others, ask their owner",
        ),
        (
            r"existing object already found",
            "the dataset's list of access has this entry, by hand or from a run that was killed: take it off the list "
            "(`bq show`, `bq update --source`) and run again",
        ),
        (
            r"Error 403: ",
            "who deploys lacks this right in the project of settings.gcp.project: an administrator grants it",
        ),
        (r"Error 404: ", "was it removed by hand? `alchemesh refresh` takes that over; else check what is referred to"),
        (r"Error 429: |rateLimitExceeded|Quota exceeded", "wait a minute and run again, or have the quota raised"),
        (r"Error 5\d\d: ", "Google Cloud could not answer: run again"),
    )
)
# https://cloud.google.com/service-usage/docs/enable-disable
_DISABLED = re.compile(
    r"SERVICE_DISABLED|has not been used in project \S+ before or it is disabled|accessNotConfigured"
)
_SERVICE = re.compile(r"\b(?P<service>[a-z][a-z0-9-]*\.googleapis\.com)\b(?!/google\.rpc)")
_PROJECT = re.compile(r"(?:in project |\?project=|\"consumer\": \"projects/)(?P<project>[a-z0-9:.-]*[a-z0-9])")


@dataclass(frozen=True, slots=True)
class Explained:
    """A failure in words for a person."""

    message: str
    hint: str | None

    def __str__(self) -> str:
        return f"{self.message}{HINT_MARK}{self.hint}" if self.hint else self.message


def explained(reported: str, secrets: Iterable[str] = (), *, about: str | None = None) -> Explained:
    """What a provider told of a failure, without wrappings, with no secret in it.

    Args:
        told: As the engine hands it on. A hint in it is kept; where there is none and the cause is known, one is added.
        secrets: Values that must not be shown.
        about: Name of what failed, which services do not always say.
    """
    hidden = tuple(secrets)
    sentence, _, hint = mask(reported, hidden).partition(HINT_MARK)
    # Once more behind: a secret in JSON is not written as it is.
    cause = cause_of(sentence)
    if about is not None and "googleapi: Error" in cause and about not in cause:
        cause = f"{about}: {cause}"
    return Explained(mask(cause, hidden), mask(hint.strip(), hidden) or hint_for(sentence))


def cause_of(reported: str) -> str:
    """What went wrong, without what libraries on the way have put around it; what is told twice is told once."""
    points = _COUNTED.sub("", reported.strip()).split(_NEXT_POINT)
    causes = dict.fromkeys(_without_details(_AROUND.sub("", point.strip()).strip()).strip() for point in points)
    return "; ".join(cause for cause in causes if cause) or reported.strip()


def hint_for(reported: str) -> str | None:
    """What to do about a failure, where that is known."""
    if _DISABLED.search(reported) and (service := _SERVICE.search(reported)) is not None:
        project = _PROJECT.search(reported)
        where = f" --project {project['project']}" if project else ""
        command = f"gcloud services enable {service['service']}{where}"
        return (
            f"enable it: `{command}`, or `alchemesh platform up`; then wait some minutes, for it does not count at once"
        )
    return next(
        (hint.format_map(found.groupdict()) for pattern, hint in _HINTS if (found := pattern.search(reported))), None
    )


def with_setting_places(hint: str | None, settings: Node) -> str | None:
    """A hint with the place in the platform file behind each setting that it names and that the file has."""
    if hint is None:
        return None

    def with_place(found: re.Match[str]) -> str:
        node = settings
        for step in found[0].split("."):
            child = node.child(step)
            if child is None:
                break
            node = child
        return f"{found[0]} ({node.location})" if node is not settings and node.line > 1 else found[0]

    return _SETTING.sub(with_place, hint)


def _without_details(reported: str) -> str:
    """A failure of Google's, with the sentences of its details in the place of their JSON."""
    found = _DETAILS.search(reported)
    if found is not None:
        try:
            details = json.loads(found["json"])
        except ValueError:
            return reported
        said = reported[: found.start()].rstrip()
        more = [sentence for sentence in dict.fromkeys(_sentences(details)) if sentence not in said]
        reported = " ".join((said, *more)) + reported[found.end() :]
    return _REASON.sub(lambda match: match["message"], reported)


def _sentences(details: Any) -> Iterator[str]:
    """What the details say in words: what else is in them repeats the failure, or is for machines."""
    for detail in details if isinstance(details, list) else ():
        if not isinstance(detail, Mapping):
            continue
        for key in ("fieldViolations", "violations"):
            for violation in detail.get(key) or ():
                if isinstance(violation, Mapping) and isinstance(said := violation.get("description"), str):
                    field = violation.get("field") or violation.get("subject")
                    yield f"{field}: {said}" if field else said
        for key in ("message", "detail"):
            if isinstance(said := detail.get(key), str):
                yield said
