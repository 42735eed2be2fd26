"""The connection settings of a Kafka cluster: addresses, protocol, user.

They hold references to secrets, never values.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from alchemesh_platform.base.secrets import SecretRef, resolve
from alchemesh_platform.documents.models import Strict

Address = Annotated[str, StringConstraints(pattern=r"^[^\s,:]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$")]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


class KafkaSecurity(Strict):
    """Our login at the cluster, and the protection of the connection."""

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="SASL_SSL", description="Security protocol of the listener."
    )
    mechanism: Mechanism | None = Field(default=None, description="SASL mechanism; needed with SASL_….")
    username: str | None = Field(default=None, description="User of alchemesh at the cluster.")
    password: SecretRef | None = Field(default=None, description="Its password, as {secret: NAME}.")
    ca: str | None = Field(default=None, description="PEM file of the authority that signed the brokers' certificates.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.protocol.startswith("SASL"):
            missing = [name for name in ("mechanism", "username", "password") if getattr(self, name) is None]
            if missing:
                raise ValueError(f"{self.protocol} needs {', '.join(missing)}; a cluster without has another protocol")
        return self


class KafkaAccess(Strict):
    """A cluster, and its connection settings."""

    bootstrap_servers: Annotated[
        tuple[Address, ...], BeforeValidator(_one_or_many, json_schema_input_type=Address | tuple[Address, ...])
    ] = Field(
        min_length=1,
        description="Bootstrap servers: host:port.",
        examples=["kafka-1.acme.example:9093"],
    )
    security: KafkaSecurity = Field(
        default_factory=lambda: KafkaSecurity(protocol="PLAINTEXT"),
        description="Protocol, user and password; by default an unprotected connection.",
    )

    @property
    def servers(self) -> str:
        """The addresses in the form of Kafka's clients: ``a:9092,b:9092``."""
        return ",".join(self.bootstrap_servers)


def client_options(access: KafkaAccess, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Configuration of a client of librdkafka.

    Source: https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md

    Raises:
        SecretMissing: when the password has no value in the environment.
    """
    security = access.security
    options: dict[str, Any] = {
        "bootstrap.servers": access.servers,
        "security.protocol": security.protocol,
        "client.id": "alchemesh",
        "reconnect.backoff.ms": 100,
        "reconnect.backoff.max.ms": 1000,  # reconnect soon to a broker that restarts
        "log_level": 0,  # errors are raised, or reported by the error callback
    }
    if security.mechanism is not None:
        options["sasl.mechanism"] = security.mechanism
    if security.username is not None:
        options["sasl.username"] = security.username
    if security.password is not None:
        options |= _sign_in(security.username or "", resolve(security.password, environ))
    if security.ca is not None:
        options["ssl.ca.location"] = security.ca
    return options


def _sign_in(user: str, secret: str) -> dict[str, str]:
    """The user and password of a secret.

    A secret of code may name its user, ``operations.punctuality.1f0c9a2b.2:PASSWORD``. So both change at once when the
    code gets the next credential of a rotation.
    """
    named, separator, password = secret.partition(":")
    if separator and named in (user, f"{user}.2"):
        return {"sasl.username": named, "sasl.password": password}
    return {"sasl.password": secret}
