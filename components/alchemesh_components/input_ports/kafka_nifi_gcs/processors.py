"""The dataflow from Kafka to Cloud Storage, with the types and properties of NiFi 1.x and 2.x.

| Work | NiFi 1.x | NiFi 2.x |
|---|---|---|
| consume | ``ConsumeKafka_2_6``, with the connection in it | ``ConsumeKafka`` over ``Kafka3ConnectionService`` |
| batch, check | ``MergeContent``, ``RouteText`` | the same |
| write | ``PutGCSObject``: ``gcs-bucket``, ``gcs-key``, … | the same; from 2.7 on ``Bucket``, ``Key``, … |
| credentials | ``GCPCredentialsControllerService`` | the same; from 2.7 on with an *Authentication Strategy* |

Source: https://github.com/apache/nifi, ``nifi-nar-bundles/nifi-kafka-bundle`` and ``nifi-gcp-bundle`` of
rel/nifi-1.18.0, ``nifi-extension-bundles/nifi-kafka-bundle`` and ``nifi-gcp-bundle`` of rel/nifi-2.3.0 and
rel/nifi-2.7.0. Properties have their display names if those are the same in all versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

STANDARD = "org.apache.nifi.processors.standard"
CONSUME_1 = "org.apache.nifi.processors.kafka.pubsub.ConsumeKafka_2_6"
CONSUME_2 = "org.apache.nifi.kafka.processors.ConsumeKafka"
CONNECTION_2 = "org.apache.nifi.kafka.service.Kafka3ConnectionService"
WRITE = "org.apache.nifi.processors.gcp.storage.PutGCSObject"
CREDENTIALS = "org.apache.nifi.processors.gcp.credentials.service.GCPCredentialsControllerService"

# An object on one line. The product's code checks its content; this pattern only excludes lines that are no event.
JSON_LINE = r"\s*\{.*\}\s*"
# The time of the oldest event of a file, so that a repeated write has the same name.
_DAY = "${lineageStartDate:toNumber():format('yyyy-MM-dd', 'UTC')}"
# Entries of a batch; each holds the events of one poll of a partition. Entries of a batch still count as queued, and
# NiFi stops the consumer at this number: a larger batch would wait for its time limit and hold up the topic.
# https://nifi.apache.org/docs/nifi-docs/html/administration-guide.html, nifi.queue.backpressure.count
_MOST_ENTRIES = "10000"
# NiFi 2.x renames properties to their display names, step by step; 1.x has other names.
_ON_SCREEN_2 = {
    "security.protocol": "Security Protocol",
    "sasl.mechanism": "SASL Mechanism",
    "sasl.username": "SASL Username",
    "sasl.password": "SASL Password",
    "SSL Context Service": "SSL Context Service",
}
_EXTENSIONS = {"json": "jsonl", "text": "txt"}

Document = dict[str, Any]


def services(
    mechanism: str | None,
    protocol: str,
    *,
    tls_service: str | None,
    with_key: bool,
    substitutes: Mapping[str, str],
) -> Document:
    """Controller services: NiFi 2.x's connection to Kafka, and the writer's credentials for Google Cloud."""
    security = _security(mechanism, protocol, tls_service)
    connection = {"Bootstrap Servers": "#{kafka.servers}"} | {
        _ON_SCREEN_2[name]: text for name, text in security.items()
    }
    return {
        "kafka": {"variants": _variants(CONNECTION_2, substitutes, connection)},
        "credentials": {"variants": _variants(CREDENTIALS, substitutes, **_identity_properties(with_key=with_key))},
    }


def processors(
    *,
    format: Literal["json", "text"],  # noqa: A002 - the argument's name
    start: Literal["earliest", "latest"],
    mechanism: str | None,
    protocol: str,
    tls_service: str | None,
    batch_time: timedelta,
    batch_megabytes: int,
    dead_letter: str,
    storage_url: str | None,
    substitutes: Mapping[str, str],
) -> Document:
    """Consume, batch, check and write; write failures into a separate folder.

    The check comes after batching. Before it, a removed line would leave the line break of the line before it, and
    batching would add another one.
    """
    batched = "check" if format == "json" else "write"
    file = f"${{kafka.topic}}/date={_DAY}/${{uuid}}.{_EXTENSIONS[format]}"
    found = {
        "consume": {
            "variants": _consume(start, _security(mechanism, protocol, tls_service), substitutes),
            "routes": {"success": ["batch"], "parse failure": ["write failed"], "parse.failure": ["write failed"]},
        },
        "batch": {
            "variants": [{"type": f"{STANDARD}.MergeContent", "properties": _batch(batch_time, batch_megabytes)}],
            "routes": {"merged": [batched], "original": [], "failure": ["write failed"]},
            "when_draining": {"Max Bin Age": "1 sec"},
        },
        "check": {
            "variants": [{"type": f"{STANDARD}.RouteText", **_check()}],
            "routes": {"matched": ["write"], "unmatched": ["write failed"], "original": []},
        },
        "write": {
            "variants": _variants(WRITE, substitutes, _write(file, storage_url)),
            "routes": {"success": [], "failure": ["write failed"]},
            # 5, 10, … 320, 600, 600 s: retries continue for half an hour before a write counts as failed.
            "penalty": "5 sec",
            "retried": ["failure"],
            "retries": 10,
        },
        "write failed": {
            "variants": _variants(WRITE, substitutes, _write(f"{dead_letter}/{file}", storage_url)),
            "routes": {"success": [], "failure": ["write failed"]},  # retried until it is written
            "penalty": "5 sec",
        },
    }
    if format != "json":
        del found["check"]
    return found


def _consume(start: str, security: Mapping[str, str], substitutes: Mapping[str, str]) -> list[Document]:
    new = {
        "Kafka Connection Service": {"service": "kafka"},
        "Group ID": "#{kafka.group}",
        "Topics": "#{kafka.topic}",
        "Auto Offset Reset": start,
        "Processing Strategy": "DEMARCATOR",
        "Message Demarcator": "\n",
    }
    old = {
        "bootstrap.servers": "#{kafka.servers}",
        **security,
        "topic": "#{kafka.topic}",
        "group.id": "#{kafka.group}",
        "auto.offset.reset": start,
        "message-demarcator": "\n",
    }
    return [*_variants(CONSUME_2, substitutes, new), *_variants(CONSUME_1, substitutes, old)]


def _security(mechanism: str | None, protocol: str, tls_service: str | None) -> dict[str, str]:
    found = {"security.protocol": protocol}
    if mechanism is not None:
        found |= {
            "sasl.mechanism": mechanism,
            "sasl.username": "#{kafka.username}",
            "sasl.password": "#{kafka.password}",
        }
    return found | ({"SSL Context Service": tls_service} if tls_service and protocol.endswith("SSL") else {})


def _identity_properties(*, with_key: bool) -> dict[str, dict[str, str]]:
    """The login of the writer. The newest versions ignore a key unless their strategy expects one."""
    if with_key:
        strategy = "Service Account Credentials (Json Value)"
        return {"properties": {"Service Account JSON": "#{gcp.key}"}, "optional": {"Authentication Strategy": strategy}}
    default = "Application Default Credentials"
    return {"optional": {f"Use {default}": "true", "Authentication Strategy": default}}


def _check() -> dict[str, dict[str, str]]:
    return {
        "properties": {
            "Routing Strategy": "Route to 'matched' if line matches all conditions",
            "Matching Strategy": "Matches Regular Expression",
        },
        "dynamic": {"event": JSON_LINE},
    }


def _batch(time: timedelta, megabytes: int) -> dict[str, str]:
    return {
        "Correlation Attribute Name": "kafka.topic",
        "Minimum Number of Entries": "1",
        "Maximum Number of Entries": _MOST_ENTRIES,
        "Minimum Group Size": f"{megabytes} MB",
        "Max Bin Age": f"{int(time.total_seconds())} sec",
        "Delimiter Strategy": "Text",
        "Demarcator": "\n",
        "Footer": "\n",
    }


def _write(key: str, storage_url: str | None) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "GCP Credentials Provider Service": {"service": "credentials"},
        "Bucket": "#{gcs.bucket}",
        "Key": key,
        "Content Type": "text/plain",
        "GZIP Compression Enabled": "false",
    }
    return properties | ({"Storage API URL": storage_url} if storage_url else {})


def _variants(
    name: str,
    substitutes: Mapping[str, str],
    properties: Mapping[str, Any] | None = None,
    optional: Mapping[str, str] | None = None,
) -> list[Document]:
    types = [name, substitutes[name]] if name in substitutes else [name]
    given = {"properties": dict(properties or {}), "optional": dict(optional or {})}
    return [{"type": found} | {kind: values for kind, values in given.items() if values} for found in types]
