"""Pulumi's kafka provider, configured with the platform's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from alchemesh_components.kafka.settings import KafkaSettings
from alchemesh_platform.base.secrets import resolve

if TYPE_CHECKING:
    import pulumi_kafka

# Source: https://www.pulumi.com/registry/packages/kafka/installation-configuration/
MECHANISMS = {"PLAIN": "plain", "SCRAM-SHA-256": "scram-sha256", "SCRAM-SHA-512": "scram-sha512"}
TIMEOUT_SECONDS = 30


def kafka_provider(name: str, settings: KafkaSettings, parent: pulumi.Resource) -> pulumi_kafka.Provider:
    """A provider for the resources of a component. The state holds its password as a secret.

    Raises:
        SecretMissing: when the password has no value in the environment.
    """
    import pulumi_kafka

    security = settings.security
    return pulumi_kafka.Provider(
        name,
        bootstrap_servers=list(settings.bootstrap_servers),
        tls_enabled=security.protocol.endswith("SSL"),
        ca_cert_file=security.ca,
        sasl_mechanism=MECHANISMS[security.mechanism] if security.mechanism else None,
        sasl_username=security.username,
        sasl_password=pulumi.Output.secret(resolve(security.password)) if security.password else None,
        timeout=TIMEOUT_SECONDS,
        opts=pulumi.ResourceOptions(parent=parent),
    )
