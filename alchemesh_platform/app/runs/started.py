"""The launcher: the program that engines start for a run. It does what `alchemesh run` does, as the product's code.

``python -m alchemesh_platform.app.runs.started DESCRIPTOR --engine NAME --engine-run ID --trigger TRIGGER
[--request ID] [--attempt N] [--from TIME --to TIME | --scheduled TIME] [-- ARGUMENTS]``

It lands new data, runs the code with its connections, and records the run, one at a time for each product. It prints
the code's output with secrets masked, and exits with the code's status. SIGTERM and SIGINT cancel the run.
"""

from __future__ import annotations

import argparse
import re
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.problems import ProblemsFound
from alchemesh_platform.base.remedy import command, remedy

if TYPE_CHECKING:
    from types import FrameType

    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.records import RunDetails
    from alchemesh_platform.sdk.code.description import JobDescription

TRIGGERS = ("schedule", "manual", "asset", "backfill")
_EMPTY = re.compile(r"--[a-z-]+=")  # an option without a value
CANCELLED = 130  # https://tldp.org/LDP/abs/html/exitcodes.html: ended by an interrupt


class Unplaced(Failure):
    """Raised when the description of a job does not name the environment's place on this machine."""


def main(given: Sequence[str] | None = None) -> int:
    """Carry out one run.

    Returns:
        The exit status of the code; 1 if it could not run; 130 if it was cancelled.
    """
    options = _options(sys.argv[1:] if given is None else given)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _cancel)
    try:
        return _run(options)
    except KeyboardInterrupt:
        return CANCELLED
    except ProblemsFound as found:
        for problem in found.problems:
            _say(f"error: {problem}")
        return int(ExitCode.USAGE)
    except Failure as failure:
        _say(f"error: {failure.message}")
        if failure.hint:
            _say("hint: " + failure.hint)
        return int(failure.exit_code)


def _run(options: argparse.Namespace) -> int:
    from alchemesh_platform.app.runs.engines import actor_of
    from alchemesh_platform.app.runs.once import NotDue, run_once
    from alchemesh_platform.identity.identity import LOCAL_ISSUER, Identity
    from alchemesh_platform.sdk.code.description import read_job

    job = read_job(Path(options.descriptor))
    done = run_once(
        platform_of(job),
        job.product,
        Identity(actor_of(job.product), LOCAL_ISSUER),
        tuple(options.arguments),
        folder=Path(job.working_directory),
        details=_details(options, job),
        retry=options.attempt is None,
        on_output=_print,
        report=_say,
    )
    if isinstance(done, NotDue) or done.outcome == "succeeded":
        return 0
    _say(f"error: {done.problem}")
    if done.outcome == "cancelled":
        return CANCELLED
    return done.exit_status if done.exit_status is not None and done.exit_status > 0 else 1


def platform_of(job: JobDescription) -> Platform:
    """The environment of a described job.

    Raises:
        Unplaced: when an earlier version wrote the description.
        ProblemsFound, UnknownEnvironment: when the platform file does not fit any more.
    """
    from alchemesh_platform.deployment.emulation import emulate
    from alchemesh_platform.platform_file.load import load_platform

    if job.home is None or job.environment is None:
        raise Unplaced(
            f"the description of the job of {job.product} names no environment on this machine: "
            "an earlier version wrote it",
            hint=remedy("{} writes it again", command("up")),
        )
    file = None if job.platform_file is None else Path(job.platform_file)
    platform = load_platform(file, job.environment, Path(job.home))
    return emulate(platform) if job.emulated else platform


def _details(options: argparse.Namespace, job: JobDescription) -> RunDetails:
    from alchemesh_platform.registry.records import RunDetails

    interval = None if options.start is None else (options.start, options.end)
    if interval is None and options.scheduled is not None:
        interval = _since_the_time_before(options.scheduled, job)

    return RunDetails(
        engine=options.engine,
        engine_run=options.engine_run,
        trigger=options.trigger,
        attempt=options.attempt or 1,
        interval=interval,
        request=options.request,
    )


def _since_the_time_before(at: datetime, job: JobDescription) -> tuple[datetime, datetime] | None:
    """The interval of a run for a time of the schedule; None if the schedule has no time before it."""
    from alchemesh_platform.sdk.code.timetable import Timetable

    before = None if job.schedule is None else Timetable(job.schedule, job.time_zone).last_before(at)
    return None if before is None else (before, at)


def _options(given: Sequence[str]) -> argparse.Namespace:
    """The options. An option with an empty value counts as not given: an engine's template may render to nothing."""
    own, _, rest = _divided(given)
    parser = argparse.ArgumentParser(prog="alchemesh_platform.app.runs.started", allow_abbrev=False)
    parser.add_argument("descriptor")
    parser.add_argument("--engine", required=True)
    parser.add_argument("--engine-run", required=True)
    parser.add_argument("--trigger", choices=TRIGGERS, required=True)
    parser.add_argument("--request")
    parser.add_argument("--attempt", type=_attempt)
    parser.add_argument("--from", dest="start", type=_moment)
    parser.add_argument("--to", dest="end", type=_moment)
    parser.add_argument("--scheduled", type=_moment)
    options = parser.parse_args([each for each in own if not _EMPTY.fullmatch(each)])
    if (options.start is None) != (options.end is None):
        parser.error("--from and --to belong together")
    if options.start is not None and options.start >= options.end:
        parser.error("--from must be before --to")
    options.arguments = rest
    return options


def _divided(given: Sequence[str]) -> tuple[list[str], bool, list[str]]:
    """The launcher's own options, and the arguments for the code after ``--``."""
    words = list(given)
    if "--" not in words:
        return words, False, []
    at = words.index("--")
    return words[:at], True, words[at + 1 :]


def _attempt(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("expected 1 or more")
    return number


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _cancel(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
