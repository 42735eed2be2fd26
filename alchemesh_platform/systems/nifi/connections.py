"""The reference to a NiFi dataflow, in the connection of the files that it writes."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from alchemesh_platform.sdk.connections.base import ConnectionDocument


class DataflowConnection(ConnectionDocument):
    """A reference to a NiFi dataflow, for reading its health."""

    server: str = Field(description="Address of NiFi's REST interface.")
    group: str = Field(description="Id of its process group.")
    login: dict[str, Any] = Field(default_factory=dict, description="Login for observing it; secrets by reference.")
