"""Streaming topics in Kinesis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pulumi
from pulumi_aws_native import kinesis

from alchemesh_components.aws.access import Statement, allow
from alchemesh_components.aws.names import STREAM, resource_name
from alchemesh_components.aws.policies import admit_role, aws_provider, grant_to
from alchemesh_components.aws.rights import with_key
from alchemesh_components.aws.settings import Settings
from alchemesh_components.aws.tags import tags_of
from alchemesh_components.output_ports.kinesis_stream.models import Args
from alchemesh_components.output_ports.kinesis_stream.spec import SPEC
from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.sdk.consumer import Consumer

# https://docs.aws.amazon.com/streams/latest/dev/controlling-access.html
WRITE = ("kinesis:DescribeStreamSummary", "kinesis:PutRecord", "kinesis:PutRecords")
READ = (
    "kinesis:DescribeStreamSummary",
    "kinesis:ListShards",
    "kinesis:GetShardIterator",
    "kinesis:GetRecords",
)
AWS_KEY = "alias/aws/kinesis"


class KinesisStreams(Component[Args, Settings]):
    """A stream for each model of the port. Its messages are JSON, one row in each."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """A stream for each model."""
        self.provider = aws_provider(self, self.settings.aws)
        self.options = pulumi.ResourceOptions(parent=self, provider=self.provider)
        self.streams = {name: self.stream(name) for name in self.wiring.models}
        return {
            "kind": "topic",
            "broker": "kinesis",
            "servers": [],
            "topics": {name: self.known(name, stream) for name, stream in self.streams.items()},
        }

    def stream_name(self, model: str) -> str:
        """The name of a model's stream."""
        return resource_name(STREAM, self.settings.aws, self.wiring, model)

    def known(self, model: str, stream: kinesis.Stream) -> pulumi.Output[str]:
        """The name as an output of the stream, which a preview knows."""
        name = self.stream_name(model)
        known: pulumi.Output[str] = stream.name.apply(lambda _: name)
        return known

    def stream(self, model: str) -> kinesis.Stream:
        """The stream of one model, encrypted."""
        aws = self.settings.aws
        return kinesis.Stream(
            f"{self.name}-{model}",
            name=self.stream_name(model),
            retention_period_hours=self.args.retention // timedelta(hours=1),
            stream_mode_details={"stream_mode": "ON_DEMAND"},
            stream_encryption={"encryption_type": "KMS", "key_id": aws.encryption_keys.kinesis or AWS_KEY},
            tags=tags_of(aws, self.wiring),
            opts=pulumi.ResourceOptions.merge(
                self.options, pulumi.ResourceOptions(retain_on_delete=self.args.keep_on_destroy)
            ),
        )

    def rights(self, *, write: bool) -> Iterator[Statement]:
        """The rights on all streams of the port."""
        aws = self.settings.aws
        arns = [aws.arn("kinesis", f"stream/{self.stream_name(model)}") for model in self.streams]
        yield allow(WRITE if write else READ, arns)
        yield from with_key(aws.encryption_keys.kinesis, "kinesis", write=write)

    def admit(self, identity: CodeIdentity) -> Sequence[pulumi.Resource]:
        """Grant the code the right to write messages."""
        return admit_role(self, self.settings.aws, identity, list(self.rights(write=True)), self.options)

    def grant(self, consumer: Consumer) -> Sequence[pulumi.Resource]:
        """Grant a consumer read access to the streams, until its access expires."""
        return grant_to(self, self.settings.aws, consumer, list(self.rights(write=False)), self.options)
