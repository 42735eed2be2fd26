"""The errors of Google Cloud, with the messages and wrapping of the real provider.

Source: https://cloud.google.com/apis/design/errors, google.golang.org/api (googleapi/googleapi.go),
github.com/hashicorp/go-multierror (format.go)
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from alchemesh_platform.base.failure import Failure

STORAGE = "storage.googleapis.com"
# Names of services in a project's list, if they differ from the address.
TITLES = {
    "artifactregistry.googleapis.com": "Artifact Registry API",
    "bigquery.googleapis.com": "BigQuery API",
    "cloudkms.googleapis.com": "Cloud Key Management Service (KMS) API",
    "cloudscheduler.googleapis.com": "Cloud Scheduler API",
    "iam.googleapis.com": "Identity and Access Management (IAM) API",
    "pubsub.googleapis.com": "Cloud Pub/Sub API",
    "run.googleapis.com": "Cloud Run Admin API",
    "secretmanager.googleapis.com": "Secret Manager API",
    "sqladmin.googleapis.com": "Cloud SQL Admin API",
}


class Refused(Failure):
    """Raised when the emulated cloud rejects an operation.

    Args:
        status: HTTP status of the real service.
        message: Its message.
        reason: Its reason in one word, if the service gives one.
        details: Its machine-readable details.
        hint: The remedy for errors that only an emulated cloud has. The platform has hints for the others.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        reason: str = "",
        details: Sequence[Mapping[str, Any]] = (),
        hint: str | None = None,
    ) -> None:
        self.status = status
        self.text = message
        text = f"googleapi: Error {status}: {message}"
        if details:
            text += f"\nDetails:\n{json.dumps(details, indent=2)}\n"
        if reason:
            text += f", {reason}"
        super().__init__(f"1 error occurred:\n\t* {text}\n\n", hint=hint)


class NotReady(Failure):
    """Raised when a resource was created but does not become ready: its operation failed.

    Source: github.com/hashicorp/terraform-provider-google (google/tpgresource/common_operation.go)

    Args:
        what: Name of the type in the provider: ``Job``.
        code: Code of the operation's error, of google.rpc.Code.
        message: Its message.
        hint: As for :class:`Refused`.
    """

    def __init__(self, what: str, code: int, message: str, *, hint: str | None = None) -> None:
        waited = (
            f"Error waiting to create {what}: Error waiting for Creating {what}: Error code {code}, message: {message}"
        )
        super().__init__(f"1 error occurred:\n\t* {waited}\n\n", hint=hint)


def not_found(what: str, *, hint: str | None = None) -> Refused:
    """The error for a referenced resource that does not exist."""
    return Refused(404, f"Not found: {what}", reason="notFound", hint=hint)


def exists(what: str) -> Refused:
    """The error for a name that is already in use."""
    return Refused(409, f"Already Exists: {what}", reason="duplicate")


def bucket_name_taken() -> Refused:
    """The error for a bucket name that another project uses.

    Source: https://cloud.google.com/storage/docs/troubleshooting#bucket-name-conflict
    """
    return Refused(
        409,
        "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please "
        "select a different name and try again.",
        reason="conflict",
    )


def own_bucket_exists() -> Refused:
    """The error for a bucket name that the same project uses."""
    return Refused(
        409, "Your previous request to create the named bucket succeeded and you already own it.", reason="conflict"
    )


def api_disabled(project: str, service: str) -> Refused:
    """The error for a service that is not enabled in a project.

    Source: https://cloud.google.com/service-usage/docs/enabled-service#access
    """
    console = f"https://console.developers.google.com/apis/api/{service}/overview?project={project}"
    title = TITLES.get(service, service)
    message = (
        f"{title} has not been used in project {project} before or it is disabled. Enable it by visiting {console} "
        "then retry. If you enabled this API recently, wait a few minutes for the action to propagate to our systems "
        "and retry."
    )
    links = [{"description": "Google developers console API activation", "url": console}]
    details: list[Mapping[str, Any]] = [
        {"@type": "type.googleapis.com/google.rpc.Help", "links": links},
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "domain": "googleapis.com",
            "metadata": {"consumer": f"projects/{project}", "service": service},
            "reason": "SERVICE_DISABLED",
        },
    ]
    return Refused(403, message, reason="accessNotConfigured", details=details)


def no_such_region(service: str, region: str) -> Refused:
    """The error for a region without the service."""
    if service == STORAGE:
        return Refused(400, "The specified location constraint is not valid.", reason="invalid")
    return Refused(400, f"Location {region!r} is not a valid location. Use ListLocations to list valid locations.")


def in_use(what: str, why: str, *, hint: str) -> Refused:
    """The error for a resource that cannot be deleted in its current state."""
    return Refused(409, f"{what} cannot be removed: {why}", hint=hint)
