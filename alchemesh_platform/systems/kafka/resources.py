"""Resources of Kafka clusters that no other provider has as a data product needs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi import Input, Output

from alchemesh_platform.sdk.resource import PlatformResource


class Topic(PlatformResource):
    """A Kafka topic with its published schema; kept with its messages when the resource goes, unless told otherwise."""

    pulumi_type = "alchemesh:kafka:Topic"
    computed = ("url",)

    kafka: Output[dict[str, Any]]
    topic: Output[str]
    owner: Output[str]
    partitions: Output[int]
    replication: Output[int]
    config: Output[dict[str, str]]
    model: Output[str]
    message_schema: Output[dict[str, Any]]
    schema_topic: Output[str]
    adopt: Output[bool]
    keep_on_delete: Output[bool]
    url: Output[str]

    def __init__(
        self,
        name: str,
        *,
        kafka: Input[Mapping[str, Any]],
        topic: Input[str],
        owner: Input[str],
        model: Input[str],
        message_schema: Input[Mapping[str, Any]],
        partitions: Input[int] = 1,
        replication: Input[int] = 1,
        config: Input[Mapping[str, Input[str]]] | None = None,
        schema_topic: Input[str] = "alchemesh.schemas",
        adopt: Input[bool] = False,
        keep_on_delete: Input[bool] = True,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "kafka": kafka,
            "topic": topic,
            "owner": owner,
            "partitions": partitions,
            "replication": replication,
            "config": config or {},
            "model": model,
            "message_schema": message_schema,
            "schema_topic": schema_topic,
            "adopt": adopt,
            "keep_on_delete": keep_on_delete,
        }
        super().__init__(name, inputs, opts)


class SourceTopic(PlatformResource):
    """A Kafka topic of somebody else, which has to be there for what reads it."""

    pulumi_type = "alchemesh:kafka:SourceTopic"
    computed = ("url",)

    kafka: Output[dict[str, Any]]
    topic: Output[str]
    url: Output[str]

    def __init__(
        self,
        name: str,
        *,
        kafka: Input[Mapping[str, Any]],
        topic: Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, {"kafka": kafka, "topic": topic}, opts)


class Rights(PlatformResource):
    """Rights of a Kafka user that exists already; what another grant of the same user needs stays when this goes."""

    pulumi_type = "alchemesh:kafka:Rights"
    computed = ("principal",)

    kafka: Output[dict[str, Any]]
    user: Output[str]
    topics: Output[list[str]]
    shared_topics: Output[list[str]]
    group_prefixes: Output[list[str]]
    environment: Output[str]
    port: Output[str]
    request: Output[str | None]
    principal: Output[str]

    def __init__(
        self,
        name: str,
        *,
        kafka: Input[Mapping[str, Any]],
        user: Input[str],
        topics: Input[Sequence[Input[str]]],
        environment: Input[str],
        port: Input[str],
        shared_topics: Input[Sequence[Input[str]]] = (),
        group_prefixes: Input[Sequence[Input[str]]] = (),
        request: Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "kafka": kafka,
            "user": user,
            "topics": topics,
            "shared_topics": shared_topics,
            "group_prefixes": group_prefixes,
            "environment": environment,
            "port": port,
            "request": request,
        }
        super().__init__(name, inputs, opts)


class TopicIngestion(PlatformResource):
    """A supervised consumer that lands a Kafka topic as Parquet files; found dead, it is started again."""

    pulumi_type = "alchemesh:kafka:TopicIngestion"
    computed = ("url",)

    kafka: Output[dict[str, Any]]
    topic: Output[str]
    group: Output[str]
    target: Output[str]
    process: Output[str]
    run_directory: Output[str]
    owner: Output[str]
    batch_messages: Output[int]
    batch_seconds: Output[float]
    keep_on_delete: Output[bool]
    url: Output[str]

    def __init__(
        self,
        name: str,
        *,
        kafka: Input[Mapping[str, Any]],
        topic: Input[str],
        group: Input[str],
        target: Input[str],
        process: Input[str],
        run_directory: Input[str],
        owner: Input[str],
        batch_messages: Input[int] = 5000,
        batch_seconds: Input[float] = 10.0,
        keep_on_delete: Input[bool] = True,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "kafka": kafka,
            "topic": topic,
            "group": group,
            "target": target,
            "process": process,
            "run_directory": run_directory,
            "owner": owner,
            "batch_messages": batch_messages,
            "batch_seconds": batch_seconds,
            "keep_on_delete": keep_on_delete,
        }
        super().__init__(name, inputs, opts)
