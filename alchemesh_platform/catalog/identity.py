"""Whom a product's code acts as, as its ports see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class CodeIdentity:
    """What the product's code runs as, so that ports and needs can let it in.

    Args:
        kind: Whose identity it is: ``google-service-account``. A component that does not know the kind lets nobody in.
        name: Its name there, such as the account's email; may be a Pulumi output.
        let_in_at: Names of needs that the code has let itself in at, for without them it cannot be made. A right that
            two resources give would end with the first of them.
    """

    kind: str
    name: Any
    let_in_at: frozenset[str] = frozenset()


GOOGLE_SERVICE_ACCOUNT = "google-service-account"
