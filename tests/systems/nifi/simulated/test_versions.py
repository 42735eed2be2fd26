"""The component's dataflow for each version of NiFi, against constructed servers with types of its sources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import grpc
import pytest

from alchemesh_components.input_ports.kafka_nifi_gcs.processors import JSON_LINE, WRITE, processors, services
from alchemesh_platform.provider.values import Secret
from alchemesh_platform.systems.nifi.flow.definition import Processor, Service, mistakes, sources
from tests.provider.wire import Wire
from tests.systems.nifi.flows import DATAFLOW, Tree
from tests.systems.nifi.simulated.constructed import ConstructedNifi, constructed
from tests.systems.nifi.simulated.genuine import (
    SERVICES_1,
    SERVICES_2,
    SERVICES_2_3,
    TYPES_1,
    TYPES_2,
    TYPES_2_3,
    Type,
)


def declared(
    format: Any = "json",  # noqa: A002
    *,
    with_key: bool = True,
    tls_service: str | None = None,
    **options: Any,
) -> tuple[Tree, Tree]:
    security: Any = ("SCRAM-SHA-512", options.pop("protocol", "SASL_SSL"))
    common: Any = {"substitutes": {}, "tls_service": tls_service}
    wanted: Any = {"batch_time": timedelta(minutes=5), "batch_megabytes": 100, "storage_url": None, **options}
    return services(*security, with_key=with_key, **common), processors(
        format=format,
        start="earliest",
        mechanism=security[0],
        protocol=security[1],
        dead_letter="dead-letter",
        **common,
        **wanted,
    )


def dataflow(url: str, given_services: Tree, given_processors: Tree) -> Tree:
    return {
        "server": url,
        "name": "departures",
        "owner": "prod:aviation/flights/departures",
        "parameters": {"kafka.topic": "ops.departures", "gcs.bucket": "landing"},
        "sensitiveParameters": {"kafka.password": Secret("hunter2-hunter2"), "gcp.key": Secret("{}")},
        "services": given_services,
        "processors": given_processors,
    }


def deployed(nifi: ConstructedNifi) -> dict[str, Any]:
    return {entity["component"]["name"]: entity["component"] for entity in nifi.entities.values()}


def renamed(found: Type) -> Type:
    """The type with every property named as on the screen, as 2.x does with one type after the other."""
    new = found.properties
    return replace(
        found,
        properties={shown: shown for shown in new.values()},
        sensitive=tuple(new[name] for name in found.sensitive),
        values={new[name]: values for name, values in found.values.items()},
        defaults={new[name]: value for name, value in found.defaults.items()},
    )


VERSIONS = {
    "1.18.0": (TYPES_1, SERVICES_1),
    "1.28.1": (TYPES_1, SERVICES_1),
    "2.3.0": (TYPES_2_3, SERVICES_2_3),
    "2.7.0": (TYPES_2, SERVICES_2),
    "renamed": (tuple(map(renamed, TYPES_2)), tuple(map(renamed, SERVICES_2))),
}


@contextmanager
def nifi_of(version: str) -> Iterator[ConstructedNifi]:
    types, known_services = VERSIONS[version]
    number = version if version[0].isdigit() else "2.99.0"
    with constructed(version=number, types=types, services=known_services) as nifi:
        yield nifi


@pytest.mark.parametrize("with_key", [True, False], ids=["key", "identity"])
@pytest.mark.parametrize("format", ["json", "text"])
@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_accepts_the_whole_declaration(wire: Wire, version: str, format: str, with_key: bool) -> None:  # noqa: A002
    with nifi_of(version) as nifi:
        tree = dataflow(nifi.url, *declared(format, with_key=with_key))
        made = wire.create(DATAFLOW, tree)
        assert made.state["health"] == "healthy"
        for found in deployed(nifi).values():
            assert found.get("validationErrors", []) == [], found["name"]
        assert wire.diff(made, tree).changes == 1  # DIFF_NONE
        wire.delete(made)
        assert nifi.entities == {}


@pytest.mark.parametrize(
    ("version", "key", "identity"),
    [
        ("1.18.0", {"service-account-json": "#{gcp.key}"}, {"application-default-credentials": "true"}),
        ("2.3.0", {"service-account-json": "#{gcp.key}"}, {"application-default-credentials": "true"}),
        (
            "2.7.0",
            {
                "Service Account JSON": "#{gcp.key}",
                "Authentication Strategy": "Service Account Credentials (Json Value)",
            },
            {"Authentication Strategy": "Application Default Credentials"},
        ),
    ],
)
def test_the_writer_uses_the_declared_identity_in_every_version(
    wire: Wire, version: str, key: Tree, identity: Tree
) -> None:
    """NiFi with an authentication strategy once ignored a key, and wrote with the identity of its machine."""
    for with_key, wanted in ((True, key), (False, identity)):
        with nifi_of(version) as nifi:
            wire.create(DATAFLOW, dataflow(nifi.url, *declared(with_key=with_key)))
            found = deployed(nifi)["credentials"]["properties"]
            assert {name: value for name, value in found.items() if value not in (None, "false")} == wanted


@pytest.mark.parametrize("version", ["1.18.0", "2.7.0"])
def test_tls_to_kafka_trusts_the_authorities_of_a_nifi_service(wire: Wire, version: str) -> None:
    where = {"1.18.0": ("consume", "ssl.context.service"), "2.7.0": ("kafka", "SSL Context Service")}
    component, name = where[version]
    for protocol, wanted in (("SASL_SSL", "an-id"), ("SASL_PLAINTEXT", None)):
        with nifi_of(version) as nifi:
            wire.create(DATAFLOW, dataflow(nifi.url, *declared(tls_service="an-id", protocol=protocol)))
            found = deployed(nifi)[component]
            assert found.get("config", found)["properties"][name] == wanted


def test_a_property_missing_from_a_version_is_reported_and_not_invented(wire: Wire) -> None:
    """PutGCSObject accepts any name, as metadata of the object: it once wrote to Google's own address."""
    with nifi_of("1.18.0") as nifi:
        with pytest.raises(grpc.RpcError) as failed:
            wire.create(DATAFLOW, dataflow(nifi.url, *declared(storage_url="https://storage.example")))
        said = failed.value.details() or ""
        assert re.search(rf"processor 'write.*': {WRITE} of NiFi 1\.18\.0 has no property 'Storage API URL'\n", said)
        assert "hint: it has Bucket, Content Type, GCP Credentials Provider Service, " in said
        assert {found["state"] for found in deployed(nifi).values() if "state" in found} <= {"STOPPED", "DISABLED"}


@pytest.mark.parametrize("version", ["1.15.3", "1.9.2"])
def test_a_preview_reports_a_nifi_that_is_too_old(wire: Wire, version: str) -> None:
    with constructed(version=version, types=TYPES_1, services=SERVICES_1) as nifi:
        with pytest.raises(grpc.RpcError, match=rf"is {re.escape(version)}, expected 1\.16 or newer"):
            wire.preview(DATAFLOW, dataflow(nifi.url, *declared()))
        assert nifi.entities == {}


def test_an_invalid_service_is_reported_immediately(wire: Wire) -> None:
    """It was once retried for two minutes, and then reported as another user's change."""
    given_services, given_processors = declared()
    connection = given_services["kafka"]["variants"][0]["properties"]
    connection["Security Protocol"] = "TLS"
    with nifi_of("2.7.0") as nifi:
        with pytest.raises(grpc.RpcError) as failed:
            wire.create(DATAFLOW, dataflow(nifi.url, given_services, given_processors))
        said = failed.value.details() or ""
        assert "controller service 'kafka' cannot be enabled: 'Security Protocol' validated against 'TLS'" in said
        (kafka,) = (found["id"] for found in deployed(nifi).values() if found.get("name") == "kafka")
        assert ("PUT", f"/controller-services/{kafka}/run-status") not in nifi.said


def test_nifi_2_gets_its_own_property_names(wire: Wire) -> None:
    given_services, given_processors = declared()
    with nifi_of("2.7.0") as nifi:
        tree = dataflow(nifi.url, given_services, given_processors)
        made = wire.create(DATAFLOW, tree)
        assert (made.state["serverVersion"], made.state["health"]) == ("2.7.0", "healthy")
        found = deployed(nifi)
        ids = {entity["component"]["name"]: identity for identity, entity in nifi.entities.items()}
        consume = found["consume"]["config"]["properties"]
        assert found["consume"]["type"] == "org.apache.nifi.kafka.processors.ConsumeKafka"
        assert consume["Kafka Connection Service"] == ids["kafka"]
        assert (consume["Topics"], consume["Processing Strategy"]) == ("#{kafka.topic}", "DEMARCATOR")
        assert found["kafka"]["properties"]["sasl.password"] == "#{kafka.password}"
        assert found["kafka"]["state"] == "ENABLED"
        write = found["write"]["config"]["properties"]
        assert (write["Bucket"], write["GCP Credentials Provider Service"]) == ("#{gcs.bucket}", ids["credentials"])
        assert found["check"]["config"]["properties"]["event"] == JSON_LINE
        assert {found[name]["state"] for name in given_processors} == {"RUNNING"}


@pytest.mark.parametrize("format", ["json", "text"])
def test_every_connection_has_a_destination_and_starts_at_the_topic(format: str) -> None:  # noqa: A002
    given_services, given_processors = declared(format)
    known_services = {name: Service.model_validate(document) for name, document in given_services.items()}
    known = {name: Processor.model_validate(document) for name, document in given_processors.items()}
    assert list(mistakes(known_services, known)) == []
    assert sources(known) == ["consume"]


def test_no_property_contains_a_secret() -> None:
    given_services, given_processors = declared()
    properties = [
        (name, value)
        for component in (*given_services.values(), *given_processors.values())
        for variant in component["variants"]
        for name, value in variant.get("properties", {}).items()
    ]
    secret = [str(value) for name, value in properties if "password" in name.lower() or "JSON" in name]
    assert len(secret) > 1
    assert [value for value in secret if not value.startswith("#{")] == []
