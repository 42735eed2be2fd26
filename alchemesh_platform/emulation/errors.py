"""How Google Cloud refuses, as a person sees it through the real provider.

Source: https://cloud.google.com/apis/design/errors
"""

from __future__ import annotations

from alchemesh_platform.failure import Failure


class Refused(Failure):
    """Raised when the emulated cloud refuses; ``status`` is the HTTP status that the real one answers with."""

    def __init__(self, status: int, message: str, *, hint: str | None = None) -> None:
        self.status = status
        super().__init__(f"Error {status}: {message}", hint=hint)


def not_found(what: str) -> Refused:
    """Something that is referred to is not there."""
    return Refused(404, f"{what} was not found", hint="was it removed by hand? `alchemesh refresh` takes that over")


def exists(what: str, *, hint: str | None = None) -> Refused:
    """A name is taken."""
    return Refused(409, f"{what} already exists", hint=hint)


def api_disabled(project: str, service: str) -> Refused:
    """A service is not enabled in a project."""
    return Refused(
        403,
        f"{service} has not been used in project {project} before or it is disabled",
        hint=f"enable it: `gcloud services enable {service} --project {project}`, or `alchemesh platform up`",
    )


def no_such_region(service: str, region: str) -> Refused:
    """A service is not offered in a region."""
    return Refused(
        400,
        f"{service} is not available in location {region!r}",
        hint="set another region in the platform file: settings.gcp.region",
    )


def in_use(what: str, why: str, *, hint: str) -> Refused:
    """Something cannot be removed as it is."""
    return Refused(409, f"{what} cannot be removed: {why}", hint=hint)
