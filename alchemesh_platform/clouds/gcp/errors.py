"""Errors of Google Cloud: hints, and the sentences in the JSON that Google's services attach to an error.

Source: google.golang.org/api (googleapi/googleapi.go)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.engine.state.object_store import GOOGLE_SIGN_IN
from alchemesh_platform.sdk.system.errors import ErrorHint, SystemErrors

_DETAILS = re.compile(r"\nDetails:\n(?P<json>\[.*\])", re.DOTALL)
# https://cloud.google.com/storage/docs/json_api/v1/status-codes, https://cloud.google.com/bigquery/docs/error-messages
_REASON = re.compile(
    r"(?<=googleapi: Error \d{3}: )(?P<message>.*\S)\s*, (?:accessNotConfigured|alreadyExists|backendError|badRequest"
    r"|conflict|conditionNotMet|duplicate|forbidden|internalError|invalid|notFound|quotaExceeded|rateLimitExceeded"
    r"|required)\s*\Z",
    re.DOTALL,
)

_EXISTS = "remove it, or give this one another name; what an earlier deployment left can be imported"
# https://cloud.google.com/service-usage/docs/enable-disable
_DISABLED = re.compile(
    r"SERVICE_DISABLED|has not been used in project \S+ before or it is disabled|accessNotConfigured"
)
_SERVICE = re.compile(r"\b(?P<service>[a-z][a-z0-9-]*\.googleapis\.com)\b(?!/google\.rpc)")
_PROJECT = re.compile(r"(?:in project |\?project=|\"consumer\": \"projects/)(?P<project>[a-z0-9:.-]*[a-z0-9])")


def without_details(text: str) -> str:
    """An error of Google Cloud, with the sentences of its details instead of their JSON."""
    found = _DETAILS.search(text)
    if found is not None:
        try:
            details = json.loads(found["json"])
        except ValueError:
            return text
        part = text[: found.start()].rstrip()
        more = [sentence for sentence in dict.fromkeys(_sentences(details)) if sentence not in part]
        text = " ".join((part, *more)) + text[found.end() :]
    return _REASON.sub(lambda match: match["message"], text)


def _sentences(details: Any) -> Iterator[str]:
    """The sentences in the details. The rest repeats the failure or is machine-readable."""
    for detail in details if isinstance(details, list) else ():
        if not isinstance(detail, Mapping):
            continue
        for key in ("fieldViolations", "violations"):
            for violation in detail.get(key) or ():
                if isinstance(violation, Mapping) and isinstance(part := violation.get("description"), str):
                    field = violation.get("field") or violation.get("subject")
                    yield f"{field}: {part}" if field else part
        for key in ("message", "detail"):
            if isinstance(part := detail.get(key), str):
                yield part


def _enable(found: re.Match[str]) -> str | None:
    """The hint for a service that is not enabled, if the error names the service."""
    service = _SERVICE.search(found.string)
    if service is None:
        return None
    project = _PROJECT.search(found.string)
    where = f" --project {project['project']}" if project else ""
    enable = f"gcloud services enable {service['service']}{where}"
    return remedy(
        "enable it: `{}`, or {}; then wait some minutes until it takes effect", enable, command("platform", "up")
    )


_HINTS = (
    ErrorHint(_DISABLED.pattern, _enable),
    # https://cloud.google.com/run/docs/troubleshooting: image, account and secrets of a job or a service
    ErrorHint(
        r"Secret projects/(?P<project>[^/\s]+)/secrets/(?P<secret>[^/\s]+)/versions/\S+ was not found",
        "whoever knows the value adds it: `gcloud secrets versions add {secret} --project={project} "
        "--data-file=-`; then run again",
    ),
    ErrorHint(
        r"Permission denied on secret: ",
        "a right that was just given takes some minutes to count: run again",
    ),
    ErrorHint(
        r"Image '(?P<image>[^']+/alchemesh\.platform/data-api:[^']+)' not found",
        "build the image of the data API as docs/platform-gcp.md says; `docker push {image}`, then run again",
    ),
    ErrorHint(
        r"Image '(?P<image>[^']+)' not found",
        "build the image and push it: `docker build --tag {image} .`, `docker push {image}`; then run again",
    ),
    ErrorHint(
        r"Error creating Job: googleapi: Error 409: Resource '(?P<job>[^']+)' already exists",
        "a creation that failed may have left it without data: `gcloud run jobs delete {job}`; then run again",
    ),
    ErrorHint(
        r"Error creating Service: googleapi: Error 409: Resource '(?P<service>[^']+)' already exists",
        "a creation that failed may have left it without data: `gcloud run services delete {service}`; then run again",
    ),
    # https://cloud.google.com/apis/design/errors, https://cloud.google.com/storage/docs/troubleshooting
    ErrorHint(
        r"Error 409: The requested bucket name is not available",
        "bucket names are unique in all of Google Cloud: choose another by settings.gcp.name_prefix",
    ),
    # github.com/hashicorp/terraform-provider-google resource_sql_database_instance.go, resource_storage_bucket.go
    ErrorHint(
        r"failed to delete instance because deletion_protection",
        "set settings.gcp.deletion_protection to false, and deploy that first",
    ),
    ErrorHint(r"delete bucket .* containing objects", "empty the bucket first, or move what is in it"),
    ErrorHint(r"Error 409: .*(?:already exists|[Aa]lready own|alreadyExists)|Error 409: Already Exists", _EXISTS),
    ErrorHint(
        r"location constraint is not valid|not a valid location|[Ll]ocation \S+ (?:is not supported|does not exist)"
        r"|Error 400: .*\b(?:location|region)\b.*(?:not (?:available|supported|valid)|invalid)",
        "set a region that the service is offered in: settings.gcp.region, or settings.gcp.bigquery_location for "
        "datasets (https://cloud.google.com/about/locations)",
    ),
    ErrorHint(
        r"could not find default credentials|invalid_grant|Error 401: ",
        GOOGLE_SIGN_IN,
    ),
    # https://cloud.google.com/iam/docs/service-agents, https://cloud.google.com/iam/docs/access-change-propagation
    ErrorHint(
        r"[Ss]ervice account (?:service|project)-\d+@\S+ does not exist",
        remedy(
            "Google creates an agent at its first use: {} does that, and `gcloud beta services identity create "
            "--service=…`",
            command("platform", "up"),
        ),
    ),
    ErrorHint(
        r"Cloud Pub/Sub did not have the necessary permissions|Failed to obtain the location of the .* bucket",
        "Google's agent lacks a right on a bucket or key: one that it was given a moment ago takes minutes to "
        "reach it, so run again; for what belongs to others, ask their owner",
    ),
    ErrorHint(
        r"existing object already found",
        "the dataset's list of access has this entry, by hand or from a run that was killed: take it off the list "
        "(`bq show`, `bq update --source`) and run again",
    ),
    # The condition on the role of a domain's account: components/alchemesh_components/foundations/gcp_domain
    ErrorHint(
        r"Error 403: Policy update access denied",
        remedy(
            "the account of the domain may not grant this role: an administrator runs {} of this version",
            command("domain", "up", "DOMAIN"),
        ),
    ),
    ErrorHint(
        r"Error 403: ",
        "who deploys lacks this right in the project of settings.gcp.project: an administrator grants it",
        general=True,
    ),
    ErrorHint(
        r"Error 404: ",
        remedy("was it removed by hand? {} records that; otherwise check the reference", command("refresh")),
        general=True,
    ),
    ErrorHint(
        r"Error 429: |rateLimitExceeded|Quota exceeded",
        "wait a minute and run again, or have the quota raised",
        general=True,
    ),
    ErrorHint(r"Error 5\d\d: ", "Google Cloud could not answer: run again", general=True),
)

ERRORS = SystemErrors(hints=_HINTS, clean=without_details, unnamed=r"googleapi: Error")
