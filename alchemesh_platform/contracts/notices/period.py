"""Computes the date from which a change is allowed that requires notice to consumers."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args

from alchemesh_platform.base.remedy import Command, command, hint_as_json, remedy
from alchemesh_platform.base.units import duration_in_words
from alchemesh_platform.contracts.compatibility.changes import PortDiff
from alchemesh_platform.contracts.port import PromisedPort
from alchemesh_platform.documents.document import listed
from alchemesh_platform.manifest.models import ContractLifecycle

NoticeOf = Literal["breaking-change", "deprecation", "retirement", "removal"]
NOTICES: tuple[NoticeOf, ...] = get_args(NoticeOf)
_CONSUMERS_SHOWN = 5
# The changes that require notice. After the date of a removal or retirement, consumers no longer use the port. After
# the date of a breaking change, they continue to use it.
_ANNOUNCED_BY: dict[NoticeOf, tuple[NoticeOf, ...]] = {
    "breaking-change": NOTICES,
    "deprecation": (),  # is itself a notice, so it never waits
    "retirement": ("deprecation", "retirement", "removal"),
    "removal": ("deprecation", "retirement", "removal"),
}
WORDS: dict[NoticeOf, str] = {
    "breaking-change": "the breaking change",
    "deprecation": "the deprecation",
    "retirement": "the retirement",
    "removal": "the removal of the port",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice to consumers, and its time.

    Args:
        what: The kind of the coming change.
        version: Version of the contract that changes. The notice expires with that major version.
        given_at: The time at which it was given, with its time zone.
        period: The notice period of the contract at that time.
    """

    what: NoticeOf
    version: str
    given_at: datetime
    period: timedelta

    def __post_init__(self) -> None:
        _aware(self.given_at)

    def passes_at(self, period: timedelta | None = None) -> datetime:
        """The time from which the announced change is allowed, in UTC.

        Args:
            period: The current notice period of the contract. The longer of the two counts.
        """
        # Count in UTC, since in local time a day on which clocks change has another length.
        return self.given_at.astimezone(UTC) + max(self.period, period or timedelta(0))


@dataclass(frozen=True, slots=True)
class Held:
    """A change that must wait.

    Args:
        what: The kind of the change that waits.
        consumers: Addresses of the protected consumers, sorted.
        passes_at: The time from which the change is allowed, in UTC, by the notice or by a notice given now.
        given: The notice that counts; None if no notice was given.
        message: The reason, the consumers and the date in a sentence.
        hint: The remedy.
    """

    what: NoticeOf
    consumers: tuple[str, ...]
    passes_at: datetime
    given: Notice | None
    message: str
    hint: str

    def as_json(self) -> dict[str, Any]:
        """The waiting change, its consumers and the date, as plain JSON."""
        return {
            "what": self.what,
            "consumers": list(self.consumers),
            "passes_at": self.passes_at.isoformat(),
            "given_at": None if self.given is None else self.given.given_at.astimezone(UTC).isoformat(),
            "message": self.message,
            **hint_as_json(self.hint),
        }


def notice_needed(before: PromisedPort | None, after: PromisedPort | None, diff: PortDiff) -> NoticeOf | None:
    """The kind of notice that the step from one contract to another requires; None if none is required.

    A port without a contract, or with a draft or a retired one, promises nothing.
    """
    promised = before.contract if before is not None else None
    if promised is None or promised.lifecycle in {ContractLifecycle.DRAFT, ContractLifecycle.RETIRED}:
        return None
    if after is None or after.contract is None:
        return "removal"
    if after.contract.lifecycle is ContractLifecycle.RETIRED:
        return "retirement"
    return "breaking-change" if diff.kind == "breaking" else None


def held(
    change: NoticeOf | None,
    notices: Iterable[Notice],
    period: timedelta | None,
    consumers: Collection[str],
    now: datetime,
    *,
    port: str,
    version: str,
    words: str | None = None,
) -> Held | None:
    """The reason why a change must wait for consumers, and the date; None if it is allowed now.

    Args:
        change: The kind of the change, see :func:`notice_needed`.
        notices: Every notice given for the port. Notices for another major version do not count.
        period: The notice period of the recorded contract. Without one, the change does not wait.
        consumers: Addresses of the consumers with a grant.
        now: The time, with its time zone.
        port: Address of the port: ``domain/product/port``.
        version: Version of the recorded contract.
        words: A more exact name of the change than :data:`WORDS` has.

    Raises:
        ValueError: when ``now`` has no time zone.
    """
    _aware(now)
    if change is None or not _ANNOUNCED_BY[change] or not period or not consumers:
        return None
    counting = [one for one in notices if one.what in _ANNOUNCED_BY[change] and _major(one.version) == _major(version)]
    given = min(counting, key=lambda one: (one.passes_at(period), one.what), default=None)
    passes_at = given.passes_at(period) if given is not None else now.astimezone(UTC) + period
    if given is not None and now >= passes_at:
        return None
    names = tuple(sorted(consumers))
    waits = f"{port}: {words or WORDS[change]} waits for {_named(names)}, who {_hold(names)}."
    if given is None:
        message = (
            f"{waits} No notice was given; with a notice given now, it is allowed from {moment_in_words(passes_at)}."
        )
        hint: str = remedy("{} gives notice of {}", notice_command(port, change), duration_in_words(period))
    else:
        given_at = moment_in_words(given.given_at)
        message = f"{waits} Notice was given on {given_at}; it is allowed from {moment_in_words(passes_at)}."
        hint = "keep the contract until then; a compatible change is allowed now"
    return Held(change, names, passes_at, given, message, hint)


def notice_command(port: str, change: NoticeOf) -> Command:
    """The command with which the port's product team gives notice."""
    return command("contract", "notice", port.rpartition("/")[2], change, about_product=True)


def _named(names: tuple[str, ...]) -> str:
    shown = list(names[:_CONSUMERS_SHOWN])
    if len(names) > _CONSUMERS_SHOWN:
        shown.append(f"{len(names) - _CONSUMERS_SHOWN} more")
    return listed(shown, "and")


def _hold(names: tuple[str, ...]) -> str:
    return "holds a grant" if len(names) == 1 else "hold grants"


def moment_in_words(moment: datetime) -> str:
    """The moment in words: ``2026-04-01 09:30 UTC``. It is rounded up to the next full minute."""
    exact = moment.astimezone(UTC)
    minute = exact.replace(second=0, microsecond=0)
    return f"{minute if minute == exact else minute + timedelta(minutes=1):%Y-%m-%d %H:%M} UTC"


def _major(version: str) -> str:
    return version.partition(".")[0]


def _aware(moment: datetime) -> None:
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
