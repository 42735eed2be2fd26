"""Arguments of kafka-topic."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from alchemesh_platform.base.units import Duration
from alchemesh_platform.sdk.models import Identifier, Strict


class Args(Strict):
    """Arguments of streaming topics."""

    partitions: int = Field(
        default=1, ge=1, description="Partitions of each topic; the number can only increase later."
    )
    retention: Duration | None = Field(default=None, description="Retention of messages; by default the cluster's.")
    cleanup: Literal["delete", "compact", "compact,delete"] = Field(
        default="delete", description="delete: old messages are removed; compact: the last message of each key stays."
    )
    config: dict[str, str] = Field(
        default_factory=dict, description="Further configuration of the topics, by Kafka's names: max.message.bytes, …"
    )
    topics: dict[Identifier, str] = Field(
        default_factory=dict,
        description="Model: name of its topic; by default <platform's prefix><domain>.<product>.<port>.<model>.",
    )
    adopt: bool = Field(default=False, description="Whether to adopt existing topics that another user created.")
    keep_on_destroy: bool = Field(
        default=True, description="Whether topics with messages stay when the port is removed."
    )
