"""The part of the platform file that says where events of measurements and test runs are sent."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.base.web_address import is_protected
from alchemesh_platform.documents.models import Strict


def _protected(url: str) -> str:
    if not is_protected(url):
        raise ValueError("expected an address that begins with https://; http:// is for this machine alone")
    return url


class OpenLineage(Strict):
    """The receiver of OpenLineage events about runs, measurements and tests: an address, a file, or both."""

    url: Annotated[str, AfterValidator(_protected)] | None = Field(
        default=None,
        description="Address that takes events by POST, such as https://marquez.acme.example/api/v1/lineage.",
    )
    token: SecretRef | None = Field(default=None, description="Bearer token for that address.")
    file: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="File that events are appended to, one JSON document a line."
    )

    @model_validator(mode="after")
    def _has_a_receiver(self) -> Self:
        if self.url is None and self.file is None:
            raise ValueError("expected `url`, `file` or both")
        if self.token is not None and self.url is None:
            raise ValueError("`token` needs `url`")
        return self
