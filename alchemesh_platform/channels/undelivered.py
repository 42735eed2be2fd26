"""The failure of a channel."""

from __future__ import annotations

from alchemesh_platform.base.failure import Failure

TIMEOUT_SECONDS = 10.0
REPEATED = "the next delivery repeats it"


class NotDelivered(Failure):
    """Raised when a webhook or a mail server does not accept a notification. The next delivery sends it again.

    Args:
        reason: The reason alone, without a secret.
    """

    def __init__(self, message: str, reason: str, hint: str = REPEATED) -> None:
        self.reason = reason
        super().__init__(message, hint=hint)
