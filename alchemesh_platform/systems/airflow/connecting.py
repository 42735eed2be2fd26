"""The Airflow of a DAG, the platform's sign-in there, and the connection to it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from alchemesh_platform.base.secrets import SecretRef, resolve
from alchemesh_platform.systems.airflow.client import Client
from alchemesh_platform.systems.airflow.server import LocalAirflow

SecretText = str | SecretRef


class Place(BaseModel):
    """A server of this machine, by its folder; or a server of the platform team, by its address."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: str | None = Field(default=None, description="Folder of the server that the platform runs here.")
    address: str | None = Field(default=None, description="Address of a server of the platform team.")
    username: str | None = Field(default=None, description="User, with a password.")
    password: SecretText | None = Field(default=None, description="The user's password, or {secret: NAME}.")
    token: SecretText | None = Field(default=None, description="A bearer token, or {secret: NAME}.")
    ca_file: str | None = Field(default=None, description="PEM file of the authorities that may sign its certificate.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.folder is None) == (self.address is None):
            raise ValueError("expected either a folder or an address")
        return self

    def secret(self, name: str, environ: Mapping[str, str]) -> str | None:
        """The text of a secret field. A reference is resolved. Raises SecretMissing."""
        value: SecretText | None = getattr(self, name)
        return resolve(value, environ) if isinstance(value, SecretRef) else value


def local_of(place: Place) -> LocalAirflow | None:
    """The server of this machine; None for one of the platform team."""
    return LocalAirflow(Path(place.folder)) if place.folder is not None else None


def client_of(place: Place, environ: Mapping[str, str] = os.environ) -> Client:
    """A signed-in client.

    Raises:
        AirflowFailed: when the server does not answer, is of another version, or rejects the sign-in.
        SecretMissing: when a referenced secret has no value.
    """
    local = local_of(place)
    if local is not None:
        return local.client()
    return Client(
        place.address or "",
        username=place.username,
        password=place.secret("password", environ),
        token=place.secret("token", environ),
        ca_file=place.ca_file,
    )
