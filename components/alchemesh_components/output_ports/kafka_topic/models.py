"""Arguments of kafka-topic."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from alchemesh_platform.base.units import Duration
from alchemesh_platform.sdk.models import Identifier, Strict


class Args(Strict):
    """Arguments of streaming topics."""

    partitions: int = Field(
        default=1, ge=1, description="Partitions of each topic; more can be added later, none taken away."
    )
    retention: Duration | None = Field(
        default=None, description="How long messages are kept; by default as long as the cluster says."
    )
    cleanup: Literal["delete", "compact", "compact,delete"] = Field(
        default="delete", description="delete: old messages go; compact: the last one of each key stays."
    )
    config: dict[str, str] = Field(
        default_factory=dict, description="Further configuration of the topics, by Kafka's names: max.message.bytes, …"
    )
    topics: dict[Identifier, str] = Field(
        default_factory=dict,
        description="Model: name of its topic; by default <platform's prefix><domain>.<product>.<port>.<model>.",
    )
    adopt: bool = Field(default=False, description="Whether topics that somebody else made are taken over.")
    keep_on_destroy: bool = Field(
        default=True, description="Whether topics with messages stay when the port is removed."
    )
