"""A Kafka topic, landed as Parquet on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alchemesh_components.input_ports.kafka_directory.models import Args, Settings
from alchemesh_components.input_ports.kafka_directory.spec import SPEC
from alchemesh_platform.platform_file.builtin import LOCAL
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.sdk.models import SourceProperty
from alchemesh_platform.sdk.wiring import Wiring
from alchemesh_platform.systems.kafka.resources import TopicIngestion


class KafkaDirectory(Component[Args, Settings]):
    """A consumer that lands a topic in ``<root>/<domain>/<product>/<port>``.

    It commits offsets after the files are written.
    """

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """One consumer."""
        consumer = self.consumer()
        return {"kind": "files", "url": consumer.url, "format": "parquet"}

    @property
    def group(self) -> str:
        """The consumer group, of one environment: two environments in a group would share the topic's partitions.

        The landed files hold the progress, so a consumer that gets another group resumes where it was.
        """
        wiring = self.wiring
        first = () if wiring.environment == LOCAL else (wiring.environment,)
        return ".".join((*first, wiring.domain, wiring.product, wiring.port))

    def consumer(self) -> TopicIngestion:
        """The running consumer."""
        wiring, args, schema = self.wiring, self.args, self.wiring.schema
        return TopicIngestion(
            f"{self.name}-consumer",
            kafka=self.settings.kafka.access(),
            topic=args.topic,
            group=args.group or self.group,
            target=str(landing_folder(self.settings, wiring)),
            process=f"{wiring.domain}-{wiring.product}-{wiring.port}",
            run_directory=self.settings.local.run,
            owner=wiring.address,
            batch_messages=args.batch_messages,
            batch_seconds=args.batch_time.total_seconds(),
            columns=None if schema is None else [_column(name, declared) for name, declared in schema.items()],
            on_new_column=args.on_new_column or ("add" if schema is None else "refuse"),
            **args.model_dump(
                include={"date_format", "timestamp_format", "time_zone", "on_ambiguous_time", "on_bad_row"}
            ),
            keep_on_delete=args.keep_on_destroy,
            opts=self.child_options,
        )


def landing_folder(settings: Settings, wiring: Wiring) -> Path:
    """The folder that the messages of a port land in."""
    return Path(settings.local.root, wiring.domain, wiring.product, wiring.port)


def _column(name: str, declared: SourceProperty) -> dict[str, Any]:
    return {"name": name, **declared.model_dump(mode="json", exclude_none=True, exclude_defaults=True)}
