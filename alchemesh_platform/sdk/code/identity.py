"""The identity of a product's code, to which ports and needs grant access."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class CodeIdentity:
    """The identity of the product's code, so that ports and needs can grant it access.

    Args:
        kind: Kind of identity, which a system registers: ``google-service-account``. A component that does not know the
            kind grants nothing.
        name: Name of the identity in that system, such as the account's email; may be a Pulumi output.
        granted_needs: Names of the needs that the code has granted itself access to, because it cannot be created
            without them. If two resources granted one right, removing the first would revoke it.
    """

    kind: str
    name: Any
    granted_needs: frozenset[str] = frozenset()
