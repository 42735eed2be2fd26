"""The probes of a system: they ask a port over each of its protocols, as a consumer does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

IDENTITY = "probe"  # the name, or the beginning of the name, of the user that a probe signs in as

Question = Callable[[float], None]
"""Asks the port once, within a number of seconds. It returns when the whole answer is there and right.

Raises:
    NoAnswer: when the port does not answer, or gives a wrong answer.
    NotProbed: when the port cannot be judged from here.
"""


class NoAnswer(Exception):
    """Raised when a port is down for its consumers: no answer, an error, or a wrong answer. Its text is the reason."""


class NotProbed(Exception):
    """Raised when a probe cannot be made for a reason of its own. The text is the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbedPort:
    """A port to probe.

    Args:
        address: ``domain/product/port``.
        connection: The connection that its consumers use: of its proxy, or else of its storage.
        models: Its models.
        environ: Environment variables: secrets, and the addresses of emulators.
        kept: Private folder for credentials of probes; None if there is none.
    """

    address: str
    connection: Any
    models: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    kept: Path | None = None


class Probes:
    """The probes of one kind of connection. A system registers one object for each kind.

    A question is cheap: it reads at most one row, or metadata. It asks with the probe's own credential, which the
    system issues at the first probe, renews, and ends with the port. The user of the credential is named ``IDENTITY``,
    or begins with it, so that metering can tell probes from consumers.
    """

    def protocols(self, connection: Any) -> tuple[str, ...]:
        """The protocols that these probes can ask over."""
        raise NotImplementedError

    def question(self, port: ProbedPort, protocol: str) -> Question:
        """Prepare the question for one protocol: its time is not counted as response time.

        Raises:
            NotProbed: when the port cannot be asked from here, for example without a credential.
        """
        raise NotImplementedError
