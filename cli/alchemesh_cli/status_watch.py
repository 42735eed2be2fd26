"""`alchemesh status --watch`: a screen that is drawn again, or lines of changes in a pipe, until a signal ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from rich.live import Live
from rich.text import Text

from alchemesh_cli.documents import echo_json_line
from alchemesh_cli.render.promises import name_of
from alchemesh_cli.render.text.quantities import at
from alchemesh_cli.terminal.printing import captured, is_lost
from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.printable import one_line

if TYPE_CHECKING:
    from rich.console import Console

    from alchemesh_platform.app.observe import Report
    from alchemesh_platform.observed.models import CommitmentStatus, ProductStatus

Facts = Mapping[tuple[str, str], tuple[str, str]]  # subject and name: the state, and the detail
EVERY = timedelta(seconds=5)
SHORTEST = timedelta(seconds=1)


class Stop(Protocol):
    """The event that ends a watch."""

    def wait(self, timeout: float) -> bool:
        """Wait for the event; returns whether it is set."""
        ...


class Screen(Protocol):
    """A place that shows a status again and again."""

    def show(self, report: Report) -> None:
        """Show a status."""
        ...

    def fail(self, message: str) -> None:
        """Show that the status could not be read."""
        ...


def watch_status(read: Callable[[], Report], every: timedelta, stop: Stop, screen: Screen) -> None:
    """Watch until the event. A failure of the first reading is raised; a later one is shown, and the watch continues.

    Args:
        read: Reads the status.
        every: Time between two readings.
        stop: Ends the watch. It also ends when nobody reads its output any more.
        screen: Shows the status.
    """
    screen.show(read())
    while not is_lost() and not stop.wait(every.total_seconds()):
        try:
            report = read()
        except Failure as failure:
            screen.fail(str(failure.message))
        else:
            screen.show(report)


class Lines:
    """The first state of everything, and every change after it, as lines.

    Args:
        echo: Prints a line.
    """

    def __init__(self, echo: Callable[[str], None]) -> None:
        self._echo = echo
        self._before: Facts = {}
        self._failure = ""

    def show(self, report: Report) -> None:
        """Print the changes."""
        now = facts_of(report)
        for line in changes(self._before, now):
            self._say(line)
        self._before, self._failure = now, ""

    def fail(self, message: str) -> None:
        """Print a failure once, until the status can be read again."""
        if message != self._failure:
            self._say(f"cannot read the status: {message}")
        self._failure = message

    def _say(self, line: str) -> None:
        self._echo(f"{at(datetime.now(UTC))}  {line}")


class Documents:
    """Each changed status as one JSON document in a line.

    Args:
        fail: Prints a failure.
    """

    def __init__(self, fail: Callable[[str], None]) -> None:
        self._before: Facts | None = None
        self._fail = fail

    def show(self, report: Report) -> None:
        """Print the status if it differs from the one before."""
        now = facts_of(report)
        if now != self._before:
            echo_json_line("status", report.as_json())
        self._before = now

    def fail(self, message: str) -> None:
        """Print a failure."""
        self._fail(f"cannot read the status: {message}")


class Redrawn:
    """A terminal on which the status is drawn again. At the end, the whole status stays on it.

    Args:
        live: The part of the terminal.
        draw: Prints a status on a console.
    """

    def __init__(self, live: Live, draw: Callable[[Console, Report], None]) -> None:
        self._live, self._draw = live, draw
        self._last = Text()

    def show(self, report: Report) -> None:
        """Draw the status."""
        drawn = captured(self._live.console, lambda console: self._draw(console, report))
        self._last = Text.from_ansi(drawn.rstrip("\n"))
        self._update("")

    def fail(self, message: str) -> None:
        """Draw the last status with the reason for which it is not newer."""
        self._update(f", cannot read the status: {message}")

    def _update(self, problem: str) -> None:
        foot = Text(f"\n\n{at(datetime.now(UTC))}, Ctrl-C ends it{one_line(problem)}", "dim")
        self._live.update(Text.assemble(self._last, foot), refresh=True)


@contextmanager
def redrawn(console: Console, draw: Callable[[Console, Report], None]) -> Iterator[Redrawn]:
    """A terminal on which the status is drawn again while the block runs."""
    with Live(console=console, auto_refresh=False) as live:
        yield Redrawn(live, draw)


def facts_of(report: Report) -> Facts:
    """The facts that a watch compares: states, health, verdicts, and the last operation of each product."""
    if report.status is not None:
        return dict(_of_product(report.status))
    return {
        (summary.address, "last operation"): (
            f"{summary.last_deployment.operation} {summary.last_deployment.outcome}",
            at(summary.last_deployment.started_at),
        )
        for summary in report.summaries or ()
        if summary.last_deployment is not None
    }


def changes(before: Facts, now: Facts) -> Iterator[str]:
    """``aviation/flights/flights-table uptime: kept → broken (98.2%, promised 99.5%)``."""
    for (subject, name), (state, detail) in now.items():
        old = before.get((subject, name))
        if old is not None and (old == (state, detail) if name in _WITH_DETAIL else old[0] == state):
            continue
        was = f"{old[0]} → " if old is not None else ""
        yield one_line(f"{subject} {name}: {was}{state}{f' ({detail})' if detail else ''}")
    for subject, name in before.keys() - now.keys():
        yield one_line(f"{subject} {name}: {'closed' if name.startswith('incident ') else 'no longer there'}")


_WITH_DETAIL = frozenset({"last operation"})  # an `up` after an `up` is a change too


def _of_product(status: ProductStatus) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    subject = status.address
    if status.state is not None:
        yield (subject, "state"), (status.state.state.replace("_", " "), status.state.note)
    if status.last_deployment is not None:
        done = status.last_deployment
        yield (subject, "last operation"), (f"{done.operation} {done.outcome}", at(done.started_at))
    places = [*status.inputs, *status.needs, *([status.code] if status.code else []), *status.outputs]
    for place in places:
        reasons = [part.reason for part in place.parts if part.health == place.health and part.reason]
        detail = ", ".join(reasons) if place.health not in ("healthy", None) else ""
        yield (f"{subject}/{place.name}", "health"), (place.health or "not observed", detail)
    for port in status.inputs:
        if port.consumed is not None:
            source = (port.origin or "").rpartition("/")[0]
            yield (source, "state"), (port.consumed.state.state.replace("_", " "), port.consumed.state.note)
            yield from (_of_commitment(each) for each in port.consumed.commitments)
    for output in status.outputs:
        yield from (_of_commitment(each) for each in output.commitments)
    incidents = [each for output in status.outputs for each in output.incidents]
    incidents += [each for port in status.inputs if port.consumed is not None for each in port.consumed.incidents]
    for each in incidents:
        yield (each.port, f"incident {each.id} of {each.name.replace('_', ' ')}"), (each.state, each.acknowledged_by)


def _of_commitment(each: CommitmentStatus) -> tuple[tuple[str, str], tuple[str, str]]:
    measured = each.value or each.reason or "not measured"
    return (each.asset or each.port, name_of(each)), (
        each.verdict.replace("_", " "),
        f"{measured}, promised {each.promise}",
    )
