"""The component's dataflow in the words of NiFi 2.x, against a constructed server, and of 1.x, in what it declares."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from alchemesh_components.input_ports.kafka_nifi_gcs.processors import processors, services
from alchemesh_platform.nifi.definition import Processor, Service, mistakes, sources
from alchemesh_platform.provider.values import Secret
from tests.provider.wire import Wire

from .constructed import constructed
from .flows import DATAFLOW, Tree


def declared(format: Any = "json") -> tuple[Tree, Tree]:  # noqa: A002
    options: Tree = {"substitutes": {}}
    return services("SCRAM-SHA-512", "SASL_SSL", with_key=True, **options), processors(
        format=format,
        start="earliest",
        mechanism="SCRAM-SHA-512",
        protocol="SASL_SSL",
        batch_time=timedelta(minutes=5),
        batch_megabytes=100,
        dead_letter="dead-letter",
        storage_url=None,
        **options,
    )


def test_nifi_2_is_spoken_to_in_its_own_words(wire: Wire) -> None:
    given_services, given_processors = declared()
    tree = {
        "name": "departures",
        "owner": "prod:aviation/flights/departures",
        "parameters": {"kafka.topic": "ops.departures", "gcs.bucket": "landing"},
        "sensitiveParameters": {"kafka.password": Secret("hunter2-hunter2"), "gcp.key": Secret("{}")},
        "services": given_services,
        "processors": given_processors,
    }
    with constructed() as nifi:
        made = wire.create(DATAFLOW, {**tree, "server": nifi.url})
        assert (made.state["serverVersion"], made.state["health"]) == ("2.4.0", "healthy")
        found = {entity["component"]["name"]: entity["component"] for entity in nifi.entities.values()}
        ids = {entity["component"]["name"]: identity for identity, entity in nifi.entities.items()}
        consume = found["consume"]["config"]["properties"]
        assert found["consume"]["type"] == "org.apache.nifi.kafka.processors.ConsumeKafka"
        assert consume["Kafka Connection Service"] == ids["kafka"]
        assert (consume["Topics"], consume["Processing Strategy"]) == ("#{kafka.topic}", "DEMARCATOR")
        assert found["kafka"]["properties"]["sasl.password"] == "#{kafka.password}"
        assert found["kafka"]["state"] == "ENABLED"
        write = found["write"]["config"]["properties"]
        assert (write["Bucket"], write["GCP Credentials Provider Service"]) == ("#{gcs.bucket}", ids["credentials"])
        assert list(found["check"]["config"]["properties"]) == [
            "Routing Strategy",
            "Matching Strategy",
            "event",
        ]
        assert {found[name]["state"] for name in given_processors} == {"RUNNING"}
        assert wire.diff(made, {**tree, "server": nifi.url}).changes == 1  # DIFF_NONE
        wire.delete(made)
        assert nifi.entities == {}


@pytest.mark.parametrize("format", ["json", "text"])
def test_every_way_leads_somewhere_and_all_begins_with_the_topic(format: str) -> None:  # noqa: A002
    given_services, given_processors = declared(format)
    known_services = {name: Service.model_validate(document) for name, document in given_services.items()}
    known = {name: Processor.model_validate(document) for name, document in given_processors.items()}
    assert list(mistakes(known_services, known)) == []
    assert sources(known) == ["consume"]


def test_nothing_secret_is_in_a_property() -> None:
    given_services, given_processors = declared()
    for component in (*given_services.values(), *given_processors.values()):
        for variant in component["variants"]:
            for name, value in variant["properties"].items():
                if "password" in name or "JSON" in name:
                    assert str(value).startswith("#{")
