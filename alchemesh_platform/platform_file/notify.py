"""The part of the platform file that says where people are notified."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.base.web_address import LOOPBACK, is_protected
from alchemesh_platform.documents.models import Strict

Kind = Literal["decision wanted", "decided", "notice", "end of access", "broken commitment", "incident"]


def _protected(url: str) -> str:
    if not is_protected(url):
        raise ValueError("expected an address that begins with https://; http:// is for this machine alone")
    return url


class Webhook(Strict):
    """An address that receives each item as a POST request with a JSON body; incidents as CloudEvents."""

    url: Annotated[str, AfterValidator(_protected)] | SecretRef = Field(
        description="Address, https; name a secret if it contains a token."
    )
    kinds: tuple[Kind, ...] = Field(default=(), description="Kinds of items to send; all by default.")
    signature: SecretRef | None = Field(
        default=None, description="Key that signs each request, as Standard Webhooks do: a text, or whsec_ and base64."
    )


class Mail(Strict):
    """A mail server that sends each item to the people that it is for."""

    host: str = Field(min_length=1, description="Mail server.")
    port: int = Field(default=587, ge=1, le=65535, description="Port of the mail server.")
    encryption: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="Encryption of the connection; `none` is for this machine alone."
    )
    sender: str = Field(min_length=3, description="Address that messages come from.")
    user: str | None = Field(default=None, description="User of the mail server.")
    password: SecretRef | None = Field(default=None, description="Password of that user.")
    kinds: tuple[Kind, ...] = Field(default=(), description="Kinds of items to send; all by default.")

    @model_validator(mode="after")
    def _encrypted(self) -> Mail:
        if self.encryption == "none" and self.host not in LOOPBACK:
            raise ValueError("expected starttls or tls: `none` is for a mail server on this machine alone")
        return self


class Notify(Strict):
    """Where the platform notifies people, besides `alchemesh inbox`."""

    webhooks: tuple[Webhook, ...] = Field(default=(), description="Addresses that receive every item.")
    mail: Mail | None = Field(default=None, description="Mail server, for messages to the people concerned.")
