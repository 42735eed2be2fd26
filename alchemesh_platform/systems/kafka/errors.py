"""Hints on the errors of Apache Kafka, as Pulumi's kafka provider reports them.

Source: github.com/IBM/sarama (errors.go)
"""

from __future__ import annotations

from alchemesh_platform.sdk.system.errors import ErrorHint, SystemErrors

_USER = "the user of settings.kafka.security"

_HINTS = (
    ErrorHint(
        r"SASL Authentication failed|kafka.*invalid credentials",
        f"Kafka does not let {_USER} in: check its name, mechanism and the value of its password",
    ),
    ErrorHint(
        r"kafka: client has run out of available brokers",
        "start Kafka, or correct settings.kafka.bootstrap_servers and settings.kafka.security; then run again",
    ),
    ErrorHint(
        r"kafka server: .*not authorized to send this request type",
        f"an ACL has to let {_USER} alter the cluster, for that is what makes ACLs and users; Kafka's "
        "administrators add one",
    ),
    ErrorHint(
        r"kafka server: .*not authorized to access this (?:topic|group)",
        f"an ACL has to let {_USER} do it; Kafka's administrators add one",
    ),
    ErrorHint(
        r"kafka server: Topic with this name already exists",
        "give the topic another name, or no fewer partitions than it has: Kafka takes none away",
    ),
    ErrorHint(
        r"kafka server: .*topic or partition that does not exist",
        "check the name of the topic, or have it created",
    ),
    ErrorHint(
        r"kafka server: Replication-factor is invalid",
        "set settings.kafka.replication to no more than there are brokers",
    ),
    ErrorHint(
        r"kafka server: .*operation on an invalid topic",
        "a topic is called by 1 to 249 letters, digits, dots, underscores and hyphens",
    ),
)

ERRORS = SystemErrors(hints=_HINTS)
