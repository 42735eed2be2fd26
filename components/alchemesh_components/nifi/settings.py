"""Settings for Apache NiFi: the group ``nifi`` of the platform file's settings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Self

from pydantic import Field, model_validator

from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.base.units import Duration
from alchemesh_platform.sdk.models import Strict

URL_PATTERN = r"^https?://[^\s/]+(/\S*)?/nifi-api/?$"
# User and password: each needs the other.
PAIRS = (("username", "password"), ("client_certificate", "client_key"))


class NifiSettings(Strict):
    """The NiFi server that dataflows run in; 1.x, from 1.16 on, or 2.x, which is asked for."""

    url: str = Field(
        pattern=URL_PATTERN, description="Address of its REST interface.", examples=["https://nifi.example/nifi-api"]
    )
    username: str | None = Field(default=None, description="User, with a password.")
    password: SecretRef | None = Field(default=None, description="The user's password.")
    token: SecretRef | None = Field(default=None, description="A bearer token, instead of a user.")
    ca_file: str | None = Field(default=None, description="PEM file of the authorities that may sign its certificate.")
    client_certificate: str | None = Field(default=None, description="File of a client certificate (PEM).")
    client_key: str | None = Field(default=None, description="File of its key (PEM).")
    parent_group: str = Field(default="root", description="Id of the process group that contains the dataflows.")
    kafka_username: str | None = Field(
        default=None,
        description="Kafka user of dataflows, if the platform creates no users; by default alchemesh's own.",
    )
    kafka_password: SecretRef | None = Field(default=None, description="Its password.")
    kafka_principal: str | None = Field(
        default=None,
        min_length=1,
        description=(
            "Its principal in Kafka's ACLs, if that has another name: a service account of Confluent Cloud "
            "(sa-…), whose user is an API key."
        ),
    )
    kafka_tls_service: str | None = Field(
        default=None,
        min_length=1,
        description=(
            "Id of an enabled SSL context service in NiFi, with the trusted authorities for TLS to Kafka; by "
            "default the trust store of NiFi's Java. kafka.security.ca applies to alchemesh only."
        ),
    )
    google_identity: str | None = Field(
        default=None,
        description=(
            "Service account that NiFi runs as, which then gets the right to write. By default each port has its "
            "own service account, and NiFi gets its key as a sensitive parameter."
        ),
    )
    storage_url: str | None = Field(default=None, description="Address of Cloud Storage for NiFi; by default Google's.")
    substitutes: dict[str, str] = Field(
        default_factory=dict,
        description="NiFi class: a class with the same properties to use instead, if the server lacks it.",
    )
    drain: Duration = Field(
        default=timedelta(minutes=5), description="Time for queues to drain before a dataflow is removed."
    )

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        for one, other in PAIRS:
            given, missing = (one, other) if getattr(self, one) is not None else (other, one)
            if getattr(self, given) is not None and getattr(self, missing) is None:
                raise ValueError(f"expected {missing} beside {given}")
        return self

    def login(self) -> dict[str, Any]:
        """The platform's login at NiFi, with references to secrets only."""
        names = {"username", "password", "token", "ca_file", "client_certificate", "client_key"}
        return self.model_dump(mode="json", include=names, exclude_none=True)
