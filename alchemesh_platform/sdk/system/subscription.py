"""Access of another product's code to an output port. The system of the port's connection prepares it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alchemesh_platform.sdk.connections.base import Connection
    from alchemesh_platform.sdk.consumer import Consumer


@dataclass(frozen=True, slots=True)
class Subscriber:
    """An input port that reads an output port of another product.

    Args:
        port: Address of the input port: ``domain/product/port``.
        team: Technical team of its product, without the domain.
        credential_file: File on this machine for a credential; None if the product has no folder on this machine.
        granted: Function that returns the consumer whose granted request gives access: the product, its team or its
            domain. It returns None if no request is granted.
    """

    port: str
    team: str | None
    credential_file: Path | None
    granted: Callable[[], Consumer | None]

    @property
    def product(self) -> str:
        """``domain/product``."""
        return self.port.rpartition("/")[0]

    @property
    def name(self) -> str:
        """Name of the input port."""
        return self.port.rpartition("/")[2]


class SubscriberAccess:
    """Prepares one kind of connection for subscribers. By default, every subscriber uses the connection unchanged."""

    def as_subscriber(self, connection: Any, subscriber: Subscriber) -> Connection:
        """The connection as the subscriber's code uses it."""
        found: Connection = connection
        return found

    def keeps_credential(self, connection: Any, subscriber: Subscriber) -> bool:
        """Whether the system issues a credential into the subscriber's file."""
        return False

    def is_current(self, connection: Any, subscriber: Subscriber) -> bool:
        """Whether the system still accepts the credential in the subscriber's file."""
        return True

    def issue(self, connection: Any, subscriber: Subscriber, consumer: Consumer) -> None:
        """Issue a credential into the subscriber's file.

        Args:
            consumer: The consumer whose granted request gives access.
        """
