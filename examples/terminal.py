"""Runs the commands of the tour and prints their results as tables."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from alchemesh_platform.identity.machine import USER_VARIABLE

REPOSITORY = Path(__file__).resolve().parent.parent

Row = dict[str, Any]


class DemoFailed(Exception):
    """Raised when a step of the tour fails; names the step."""


def alchemesh(
    *arguments: str, capture: bool = False, quiet: bool = False, user: str = "", exits_with: int | Collection[int] = 0
) -> str:
    """Run a command as a person would, and print its line; returns its output if captured.

    Args:
        user: The acting user; by default the user who runs the tour.
        exits_with: The expected exit code, or several; a single refusal is printed as such.

    Raises:
        DemoFailed: when the command fails.
    """
    if not quiet:
        as_user = f"{USER_VARIABLE}={user} " if user else ""
        print(f"\n$ {as_user}alchemesh {' '.join(arguments)}", flush=True)
    try:
        done = subprocess.run(
            [Path(sys.executable).parent / "alchemesh", *arguments],
            cwd=REPOSITORY,
            env={**os.environ, **({USER_VARIABLE: user} if user else {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if capture else None,
            text=True,
            check=False,
        )
    except OSError as error:
        raise DemoFailed(f"alchemesh cannot be started ({error}): `make setup` installs it") from error
    expected = {exits_with} if isinstance(exits_with, int) else exits_with
    if done.returncode not in expected:
        raise DemoFailed(f"`alchemesh {' '.join(arguments)}` ended with exit code {done.returncode}")
    if 0 not in expected and not quiet:
        print(f"(refused: exit code {done.returncode})", flush=True)
    return done.stdout or ""


def run_tour(tour: Callable[[], None], *refusals: type[Exception]) -> int:
    """Run a tour and report its end; returns the exit code.

    Args:
        tour: The tour.
        refusals: Exceptions besides DemoFailed that are reported as an error, without a traceback.
    """
    started = time.monotonic()
    try:
        tour()
    except (DemoFailed, *refusals) as error:
        print(f"\nerror: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    print(f"\ndone in {time.monotonic() - started:.0f} s")
    return 0


def heading(text: str) -> None:
    """Print the title of the next section."""
    print(f"\n── {text} ".ljust(100, "─"), flush=True)


def show(title: str, answers: Sequence[Row]) -> None:
    """Print rows as a table: numbers right-aligned, texts left-aligned."""
    print(f"\n{title}\n", flush=True)
    if not answers:
        raise DemoFailed(f"no answer to: {title}")
    columns = list(answers[0])
    cells = [[text_of(row[column]) for column in columns] for row in answers]
    widths = [max(len(column), *(len(row[at]) for row in cells)) for at, column in enumerate(columns)]
    numeric = [all(isinstance(row[column], int | float) for row in answers) for column in columns]
    for line in [columns, ["─" * width for width in widths], *cells]:
        aligned = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        )
        print("  " + "  ".join(aligned).rstrip())
    sys.stdout.flush()


def text_of(value: object) -> str:
    """A value in a readable form."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
