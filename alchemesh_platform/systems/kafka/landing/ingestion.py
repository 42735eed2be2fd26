"""The order and the status of a topic's consumer: two small files between it and the platform."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from alchemesh_platform.machine.files import count, write_if_changed
from alchemesh_platform.sdk.observation import Observation, TableObservation
from alchemesh_platform.systems.kafka.client.access import KafkaAccess
from alchemesh_platform.systems.kafka.landing.rules import Rules

STATUS_FILE = ".alchemesh-topic.json"
STATUS_SECONDS = 5.0  # how often an idle consumer writes its status
SILENT_SECONDS = 60.0  # a consumer whose status is older counts as dead


class Order(BaseModel):
    """The configuration of a consumer. It holds references to passwords, never values."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kafka: KafkaAccess = Field(description="The cluster.")
    topic: str = Field(description="Topic to read.")
    group: str = Field(description="Consumer group that offsets are committed for.")
    target: str = Field(description="Absolute path of the folder that Parquet files are put in.")
    batch_messages: int = Field(description="A partition's batch is landed when it has so many messages, …")
    batch_seconds: float = Field(description="… or its first message has waited so long.")
    rules: Rules = Field(default_factory=Rules, description="Columns and handling of messages.")


class Status(BaseModel):
    """The status of a consumer, which the consumer writes into the folder that it fills."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    pid: int = Field(default=0, description="The process.")
    # Consumers of older versions, which may still run, write `told`.
    reported: float = Field(
        default=0.0, validation_alias=AliasChoices("reported", "told"), description="When this was written."
    )
    consuming: bool = Field(default=False, description="Whether it has partitions to read.")
    error: str | None = Field(default=None, description="The obstacle.")
    denied: bool = Field(default=False, description="Whether it lacks a right, which waiting does not fix.")
    blocked: bool = Field(default=False, description="Whether it waits for another declaration of the port.")
    hint: str | None = Field(default=None, description="The change that fixes the obstacle.")
    rows: int = Field(default=0, description="Rows landed by this consumer and those before it.")
    dead: int = Field(default=0, description="Dead letters, the same.")
    dead_reason: str | None = Field(default=None, description="Why the last dead letter is one.")
    last_file: str | None = Field(default=None, description="The file landed last.")
    landed: float | None = Field(default=None, description="When that was.")
    lag: int | None = Field(default=None, description="Messages that are not landed yet; None when that is not known.")


def read_status(target: Path) -> Status:
    """The last status of a folder's consumer."""
    try:
        return Status.model_validate_json((target / STATUS_FILE).read_bytes())
    except (OSError, ValidationError):
        return Status()


def write_status(target: Path, status: Status) -> None:
    """Write the status of a folder's consumer."""
    write_if_changed(target / STATUS_FILE, json.dumps(status.model_dump(mode="json")) + "\n")


def observe_ingestion(target: Path, *, now: float) -> Observation:
    """The health of the consumer of a folder: landed rows, lag, and the current error."""
    status = read_status(target)
    if not status.reported:
        return Observation("unhealthy", f"nothing was ever landed in {target}")
    changed = datetime.fromtimestamp(status.landed, UTC) if status.landed else None
    table = {"messages": TableObservation(status.rows, None, changed)}
    silent = now - status.reported
    if silent > SILENT_SECONDS:
        return Observation("unhealthy", f"its consumer has not been heard of for {silent:.0f} s", table)
    if status.error:
        return Observation("unhealthy", "; ".join(filter(None, (status.error, status.hint))), table)
    words = ["lag unknown" if status.lag is None else f"lag {count(status.lag, 'message')}"]
    if status.dead:
        words.append(count(status.dead, "dead letter"))
    if status.last_file:
        words.append(f"last file {status.last_file}")
    if status.dead_reason:
        words.append(f"last dead letter: {status.dead_reason}")
    return Observation("healthy", ", ".join(words), table)
