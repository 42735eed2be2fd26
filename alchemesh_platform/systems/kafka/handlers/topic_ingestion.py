"""A consumer that lands a Kafka topic as Parquet on this machine."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from alchemesh_platform.base.secrets import resolve
from alchemesh_platform.documents.models import Name
from alchemesh_platform.machine import directory
from alchemesh_platform.machine.directory import known_url, refused_claim, refused_path
from alchemesh_platform.machine.files import count, write_if_changed
from alchemesh_platform.machine.landing.source_columns import SourceColumn
from alchemesh_platform.machine.released import released
from alchemesh_platform.machine.servers import processes
from alchemesh_platform.machine.servers.processes import Program
from alchemesh_platform.provider.handler import Context, Handler, NotDone
from alchemesh_platform.provider.inputs import Properties, Refusal
from alchemesh_platform.provider.loss import Loss
from alchemesh_platform.provider.paths import AbsolutePath
from alchemesh_platform.sdk.system.drift import Drift
from alchemesh_platform.systems.kafka.client.access import KafkaAccess
from alchemesh_platform.systems.kafka.client.topics import check_source
from alchemesh_platform.systems.kafka.handlers.topic import TopicName
from alchemesh_platform.systems.kafka.landing import ingestion
from alchemesh_platform.systems.kafka.landing.ingestion import Order
from alchemesh_platform.systems.kafka.landing.rules import OnAmbiguousTime, OnBadRow, OnNewColumn, Rules

START_SECONDS = 60.0
_LANDING_VERSION = 2  # `up` restarts a consumer of an earlier one, which lands values in another way


class TopicIngestionInputs(Properties):
    """The topic and the landing area."""

    kafka: KafkaAccess = Field(description="The cluster, and how it is reached; passwords as {secret: NAME}.")
    topic: TopicName = Field(description="Topic to read.")
    group: str = Field(min_length=1, max_length=255, description="Consumer group that offsets are committed for.")
    target: AbsolutePath = Field(description="Absolute path of the folder that Parquet files are put in.")
    process: Name = Field(description="Name of the consumer, unique in the run folder.")
    run_directory: AbsolutePath = Field(description="Absolute path of the folder that the consumer runs in.")
    owner: str = Field(min_length=1, description="Address that the folder belongs to.")
    batch_messages: int = Field(default=5000, ge=1, description="Maximum number of messages in a file.")
    batch_seconds: float = Field(default=10.0, gt=0, description="Longest time that a message waits for its file.")
    columns: tuple[SourceColumn, ...] | None = Field(
        default=None, description="Columns that the port declares: properties of its schema, with their names."
    )
    date_format: str | None = Field(default=None, description="Form of dates whose property has none.")
    timestamp_format: str | None = Field(default=None, description="Form of timestamps whose property has none.")
    time_zone: str | None = Field(default=None, description="Time zone of timestamps without one.")
    on_ambiguous_time: OnAmbiguousTime = Field(
        default="refuse", description="Handling of a local time that occurs twice, when the clock is set back."
    )
    on_bad_row: OnBadRow = Field(default="reject", description="reject: a dead letter. fail: the consumer stops.")
    on_new_column: OnNewColumn = Field(default="add", description="Handling of a name that the schema lacks.")
    keep_on_delete: bool = Field(default=True, description="Whether landed files stay when the resource is removed.")


class TopicIngestionOutputs(Properties):
    """The address of the files."""

    url: str = Field(description="The folder as a URL: file:///…")


class TopicIngestionHandler(Handler[TopicIngestionInputs, TopicIngestionOutputs]):
    """A supervised consumer. Its creation ends once it reads; a refresh that finds it dead restarts it."""

    pulumi_type = "alchemesh:kafka:TopicIngestion"
    summary = "A supervised consumer that lands a Kafka topic as Parquet files, and is restarted when it dies."
    inputs = TopicIngestionInputs
    outputs = TopicIngestionOutputs
    replace_on = frozenset({"target", "process", "run_directory"})
    delete_before_replace = True  # two consumers of a group would share its partitions

    def identify(self, inputs: TopicIngestionInputs) -> str:
        return inputs.target

    def check(
        self, inputs: TopicIngestionInputs, old_inputs: TopicIngestionInputs | None, context: Context
    ) -> Iterator[Refusal]:
        formerly = old_inputs.owner if old_inputs else None
        yield from refused_path(inputs.target, inputs.owner, formerly, "target", environment=context.environment)
        yield from refused_claim(
            _run_folder(inputs), inputs.owner, formerly, "runDirectory", environment=context.environment
        )
        check_source(inputs.kafka, inputs.topic)

    def plan(
        self, inputs: TopicIngestionInputs, old: TopicIngestionOutputs | None, context: Context
    ) -> Mapping[str, Any]:
        return known_url(inputs.target)

    def drift(self, inputs: TopicIngestionInputs, outputs: TopicIngestionOutputs, context: Context) -> Drift | None:
        found = processes.status(_run_folder(inputs), inputs.process)
        if not found.alive:
            reason = found.description or found.state.lower()
            return Drift(f"the consumer of {inputs.topic} is not running: {reason}; it is started again", "url")
        if not processes.is_current(_run_folder(inputs), _program(inputs)):
            # An older version of this package may have started it, and its modules may be elsewhere now.
            return Drift(f"the consumer of {inputs.topic} runs with another configuration; it is started again", "url")
        if directory.owner_of(Path(inputs.target)) is None:
            return Drift(f"folder {inputs.target} is missing; `up` creates it again, and committed offsets stay", "url")
        if directory.needs_environment(Path(inputs.target)):
            return Drift(f"folder {inputs.target} does not name its environment; `up` marks it", "url", expected=True)
        return None

    def create(self, inputs: TopicIngestionInputs, context: Context) -> TopicIngestionOutputs:
        try:
            return self._apply(inputs, None, context)
        except NotDone:
            _take_down(inputs)  # a failed creation is not recorded, so no process of it may continue to run
            raise

    def read(
        self, inputs: TopicIngestionInputs, outputs: TopicIngestionOutputs, context: Context
    ) -> tuple[TopicIngestionInputs, TopicIngestionOutputs] | None:
        ours = directory.holds(Path(inputs.target), inputs.owner, context.environment)
        return (inputs, outputs) if ours and _order_file(inputs).is_file() else None

    def update(
        self,
        inputs: TopicIngestionInputs,
        old_inputs: TopicIngestionInputs,
        outputs: TopicIngestionOutputs,
        context: Context,
    ) -> TopicIngestionOutputs:
        return self._apply(inputs, old_inputs.owner, context)

    def loss(self, inputs: TopicIngestionInputs, context: Context) -> Loss | None:
        target = Path(inputs.target)
        if inputs.keep_on_delete or directory.owner_of(target) is None or released(target, inputs.owner, context):
            return None
        return Loss(ingestion.read_status(target).rows) if any(target.glob("*.parquet")) else None

    def delete(self, inputs: TopicIngestionInputs, outputs: TopicIngestionOutputs, context: Context) -> None:
        target = Path(inputs.target)
        if released(target, inputs.owner, context):
            return
        _take_down(inputs)
        if directory.owner_of(target) is None:
            return  # deleted
        rows = ingestion.read_status(target).rows
        keep = inputs.keep_on_delete and not context.delete_data and any(target.glob("*.parquet"))
        directory.remove(target, inputs.owner, keep_data=keep, environment=context.environment)
        if keep:
            context.info(f"kept {count(rows, 'row')} in {target}; a later `up` finds them again and resumes from there")

    def _apply(self, inputs: TopicIngestionInputs, formerly: str | None, context: Context) -> TopicIngestionOutputs:
        check_source(inputs.kafka, inputs.topic)
        target = Path(inputs.target)
        directory.create(target, inputs.owner, environment=context.environment, formerly=formerly)
        directory.claim(_run_folder(inputs), inputs.owner, environment=context.environment, formerly=formerly)
        write_if_changed(_order_file(inputs), _order_text(inputs))
        password = inputs.kafka.security.password
        secrets = {password.secret: resolve(password)} if password else None
        processes.ensure_running(_run_folder(inputs), _program(inputs), secrets)
        self._await(inputs, target, context)
        return TopicIngestionOutputs(url=target.as_uri())

    def _await(self, inputs: TopicIngestionInputs, target: Path, context: Context) -> None:
        """Wait until the running consumer reads its partitions."""
        import psutil

        deadline = time.monotonic() + START_SECONDS
        while True:
            found = processes.status(_run_folder(inputs), inputs.process)
            status = ingestion.read_status(target)
            try:
                current = found.pid is not None and status.pid == found.pid and psutil.pid_exists(found.pid)
            except psutil.Error:
                current = False
            if current and status.consuming and not status.blocked:
                return
            hopeless = found.state in ("FATAL", "EXITED", "STOPPED")
            # A denial is permanent, and so is another schema. An unreachable broker may return.
            denied = current and (status.denied or status.blocked)
            if hopeless or denied or time.monotonic() > deadline or context.stop.wait(0.1):
                error = status.error if current else processes.log_tail(_run_folder(inputs), inputs.process, lines=2)
                log = processes.log_file(_run_folder(inputs), inputs.process)
                reason = error or found.description or found.state.lower()
                raise NotDone(
                    f"the consumer of {inputs.topic} does not read: {reason}",
                    hint=(status.hint if current else None)
                    or f"it has to be allowed to read {inputs.topic} and use group {inputs.group}; its log is {log}",
                )


def _run_folder(inputs: TopicIngestionInputs) -> Path:
    """A run folder of its own, whose supervisor holds the password."""
    return Path(inputs.run_directory, inputs.process)


def _order_file(inputs: TopicIngestionInputs) -> Path:
    return _run_folder(inputs).absolute() / "order.json"


def _order(inputs: TopicIngestionInputs) -> Order:
    return Order(
        kafka=inputs.kafka,
        topic=inputs.topic,
        group=inputs.group,
        target=inputs.target,
        batch_messages=inputs.batch_messages,
        batch_seconds=inputs.batch_seconds,
        rules=Rules.model_validate(inputs.model_dump(include=set(Rules.model_fields))),
    )


def _order_text(inputs: TopicIngestionInputs) -> str:
    return json.dumps(_order(inputs).model_dump(mode="json"), indent=1) + "\n"


def _program(inputs: TopicIngestionInputs) -> Program:
    """The program of the consumer. A changed order restarts it."""
    digest = hashlib.sha256(f"{_LANDING_VERSION} {_order_text(inputs)}".encode()).hexdigest()[:16]
    return Program(inputs.process, _command(inputs), {"ALCHEMESH_CONFIGURATION": digest})


def _command(inputs: TopicIngestionInputs) -> tuple[str, ...]:
    return (sys.executable, "-m", "alchemesh_platform.systems.kafka.landing.consume", str(_order_file(inputs)))


def _take_down(inputs: TopicIngestionInputs) -> None:
    processes.stop(_run_folder(inputs), inputs.process)
    _order_file(inputs).unlink(missing_ok=True)
    (_run_folder(inputs) / directory.OWNER_FILE).unlink(missing_ok=True)
