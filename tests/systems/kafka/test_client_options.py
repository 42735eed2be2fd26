"""The configuration of Kafka's clients."""

from __future__ import annotations

import pytest

from alchemesh_platform.systems.kafka.client.access import KafkaAccess, client_options

USER = "operations.punctuality.1f0c9a2b"


@pytest.mark.parametrize(
    ("secret", "user", "password"),
    [
        ("a:b", USER, "a:b"),
        ("secret", USER, "secret"),
        (f"{USER}:secret", USER, "secret"),
        (f"{USER}.2:se:cret", f"{USER}.2", "se:cret"),
        (f"{USER}.3:secret", USER, f"{USER}.3:secret"),
        (f"other.{USER}.2:secret", USER, f"other.{USER}.2:secret"),
    ],
)
def test_a_secret_may_name_the_user_of_a_rotation(secret: str, user: str, password: str) -> None:
    security = {
        "protocol": "SASL_SSL",
        "mechanism": "SCRAM-SHA-512",
        "username": USER,
        "password": {"secret": "FLIGHTS_PASSWORD"},
    }
    access = KafkaAccess.model_validate({"bootstrap_servers": "kafka:9093", "security": security})
    options = client_options(access, {"FLIGHTS_PASSWORD": secret})
    assert (options["sasl.username"], options["sasl.password"]) == (user, password)
