"""Preview several products in several environments. The failure of one hides no other, and one document holds all."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alchemesh_platform import __version__
from alchemesh_platform.app.events import Event, Listener, RunStarted
from alchemesh_platform.app.where import Composed, Where, product_address, read_product, recorded_product
from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.packages.conduct import StoppedByHand, described
from alchemesh_platform.base.problems import Problem, ProblemsFound
from alchemesh_platform.base.remedy import command, hint_as_json

if TYPE_CHECKING:
    from alchemesh_platform.compose.plan import Plan
    from alchemesh_platform.deployment.report.outcome import Outcome, OutcomeWord

Act = Callable[[Composed, Listener, threading.Event], "Outcome"]

MOST_JOBS = 4  # each preview runs an engine, a program and a provider
# The exit code of several previews is the first of these that one of them has.
_BY_WEIGHT = (
    ExitCode.FAILED,
    ExitCode.ENGINE,
    ExitCode.LOCKED,
    ExitCode.PROBLEMS,
    ExitCode.USAGE,
    ExitCode.FORBIDDEN,
    ExitCode.UNRECORDED,
    ExitCode.CHANGES,
)


class Unexpected(Failure):
    """An error in one preview that no check foresees. The other previews are complete."""


class Stopped(Failure):
    """A preview that did not start before the run was stopped, or whose component was stopped."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One product in one environment.

    Args:
        where: Its folder and the environment.
        reasons: Why it is previewed, each in a sentence; none if the user named it.
        address: Address of a deployed product whose folder is not here; empty for the product of the folder.
        offline: Whether it is previewed without an engine, network and credentials.
    """

    where: Where
    reasons: tuple[str, ...] = ()
    address: str = ""
    offline: bool = False

    @property
    def folder(self) -> str:
        """Its folder, relative to the working directory where possible; empty if it is not here."""
        if self.address:
            return ""
        directory = self.where.directory
        folder = directory.parent if directory.is_file() else directory
        if folder.is_absolute() and folder.is_relative_to(Path.cwd()):
            folder = folder.relative_to(Path.cwd())
        return folder.as_posix()

    @property
    def environment_words(self) -> tuple[str, ...]:
        """The options that select the environment."""
        where = self.where
        platform = ("--platform", str(where.platform_file)) if where.platform_file is not None else ()
        return ("-e", where.environment, *platform, *(("--emulate",) if where.emulated else ()))

    def words(self, *words: str) -> list[str]:
        """A command about the product in its environment, as a list of words."""
        return list(command(*words, "-C", self.folder, *self.environment_words).argv)


@dataclass(frozen=True, slots=True)
class Previewed:
    """The result for one product in one environment.

    Args:
        asked: The product and the environment.
        address: ``domain/product``; empty if the manifest does not say.
        outcome: The changes; None if the product could not be previewed.
        plan: The plan that was previewed.
        problems: The problems that prevented the preview, each with its line.
        failure: The failure that prevented the preview; None if it is in the problems.
    """

    asked: Asked
    address: str = ""
    outcome: Outcome | None = None
    plan: Plan | None = None
    problems: tuple[Problem, ...] = ()
    failure: Failure | None = None

    @property
    def word(self) -> OutcomeWord:
        """The outcome in one word."""
        if self.outcome is not None:
            return self.outcome.outcome
        if isinstance(self.failure, Stopped):
            return "cancelled"
        refused = self.failure is not None and self.failure.exit_code is ExitCode.FORBIDDEN
        return "refused" if refused else "failed"

    @property
    def has_changes(self) -> bool:
        """Whether the preview has changes."""
        if self.outcome is not None and self.outcome.operation == "refresh":
            return bool(self.outcome.drift)
        return self.outcome is not None and self.outcome.progress.has_changes

    def _again(self) -> list[str]:
        """The command that repeats the preview."""
        return [*self.asked.words("preview"), *(["--offline"] if self.asked.offline else [])]

    def exit_code(self, *, detailed: bool = False, strict: bool = False) -> ExitCode:
        """The exit code of this preview alone; see :meth:`Outcome.exit_code` for the arguments."""
        if self.outcome is not None:
            return self.outcome.exit_code(detailed=detailed, strict=strict)
        return ExitCode.PROBLEMS if self.failure is None else self.failure.exit_code

    def as_json(self) -> dict[str, Any]:
        """The result as plain JSON."""
        where = self.asked.where
        return {
            "product": self.address,
            "folder": self.asked.folder,
            "environment": where.environment,
            "emulated": where.emulated,
            "outcome": self.word,
            "exit_code": int(self.exit_code()),
            "reasons": list(self.asked.reasons),
            "preview": None if self.outcome is None else self.outcome.as_json(),
            "problems": [problem.as_json() for problem in self.problems],
            "error": None if self.failure is None else _error(self.failure, in_short=bool(self.problems)),
            "offline": self.asked.offline,
            "commands": [self._again(), self.asked.words("up")] if self.asked.folder else [],
        }


def _error(failure: Failure, *, in_short: bool) -> dict[str, Any]:
    """The failure as plain JSON. In short, its problems are elsewhere in the document."""
    message = str(failure.message)
    return {"message": message.partition("\n")[0] if in_short else message, **hint_as_json(failure.hint)}


@dataclass(frozen=True, slots=True)
class Removed:
    """A product that has no manifest any more. Its deployed resources stay until `destroy`.

    Args:
        product: Its address.
        environment: The environment in which it may be deployed.
    """

    product: str
    environment: str


@dataclass(frozen=True, slots=True)
class Previews:
    """The results for several products and environments, in the order in which they were asked.

    Args:
        each: The results.
        commit: The previewed commit, if known.
        at: The time of the preview.
        again: The words of the command that repeats it.
        notes: Facts about the whole run, each in a sentence.
        removed: The products that have no manifest any more.
    """

    each: tuple[Previewed, ...]
    commit: str | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    again: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    removed: tuple[Removed, ...] = ()

    def exit_code(self, *, detailed: bool = False, strict: bool = False) -> ExitCode:
        """The exit code of all previews: the gravest one; see :meth:`Outcome.exit_code` for the arguments."""
        codes = {one.exit_code(detailed=detailed, strict=strict) for one in self.each}
        return next((code for code in _BY_WEIGHT if code in codes), ExitCode.DONE)

    def as_json(self) -> dict[str, Any]:
        """All results as one JSON document."""
        words = Counter(one.word for one in self.each)
        changed = sum(one.has_changes for one in self.each)
        changes: Counter[str] = Counter()
        for one in self.each:
            if one.outcome is not None:
                changes.update(one.outcome.progress.counts(records=False))
        return {
            "at": self.at.isoformat(timespec="seconds"),
            "version": __version__,
            "commit": self.commit,
            "outcome": next((word for word in ("failed", "refused", "cancelled") if words[word]), "succeeded"),
            "exit_code": int(self.exit_code()),
            "counts": {
                "previews": len(self.each),
                "changed": changed,
                "failed": words["failed"],
                "refused": words["refused"],
                "cancelled": words["cancelled"],
                "unchanged": sum(one.word == "succeeded" and not one.has_changes for one in self.each),
            },
            "changes": dict(sorted(changes.items())),
            "again": list(self.again),
            "notes": list(self.notes),
            "removed": [{"product": each.product, "environment": each.environment} for each in self.removed],
            "previews": [one.as_json() for one in self.each],
        }


def asked_for(
    paths: Sequence[Path],
    environments: Sequence[str],
    *,
    platform_file: Path | None = None,
    emulated: bool = False,
) -> list[Asked]:
    """Every product in every environment, each once."""
    found: dict[tuple[Path, str], Asked] = {}
    for path in paths:
        for environment in environments:
            asked = Asked(Where(path, environment, platform_file, emulated))
            found.setdefault((asked.where.manifest.resolve(), environment), asked)
    return list(found.values())


def previews(
    asked: Iterable[Asked],
    *,
    act: Act | None = None,
    look: bool = True,
    strict: bool = False,
    targets: tuple[str, ...] = (),
    parallel: int | None = None,
    jobs: int | None = None,
    commit: str | None = None,
    again: Sequence[str] = (),
    notes: Sequence[str] = (),
    removed: Sequence[Removed] = (),
    listen: Callable[[Previewed], None] = lambda _one: None,
    cancel: threading.Event | None = None,
) -> Previews:
    """Preview products, several at a time. Nothing is changed.

    Args:
        asked: The products, each with its environment.
        act: The operation on each product; by default the preview of `up`.
        look: Whether the files that components need in the folders must exist.
        strict: Whether a change that must wait for consumers is refused, as `up` does.
        targets: Ports and needs to limit each preview to; all by default.
        parallel: Maximum number of parallel steps of one preview.
        jobs: Number of previews at a time; by default the number of processors, at most 4.
        commit: The previewed commit, for the document.
        again: The words of the command that repeats the previews, for the document.
        notes: Facts about the whole run, for the document.
        removed: The products that have no manifest any more, for the document.
        listen: Receives each result as soon as it is known, in one thread at a time.
        cancel: Set it to stop cleanly. Previews that have not started are not run.

    Returns:
        The results, in the order in which they were asked.
    """
    waiting = list(asked)
    stop = cancel or threading.Event()
    reading, telling = threading.Lock(), threading.Lock()
    run = act or _preview(strict, targets, parallel, waiting)

    def one(each: Asked) -> Previewed:
        found = _one(each, run, reading, stop, look=look)
        with telling:
            listen(found)
        return found

    with ThreadPoolExecutor(max(1, jobs or min(MOST_JOBS, os.cpu_count() or 1))) as pool:
        found = list(pool.map(one, waiting))
    return Previews(tuple(found), commit=commit, again=tuple(again), notes=tuple(notes), removed=tuple(removed))


def _preview(strict: bool, targets: tuple[str, ...], parallel: int | None, asked: Sequence[Asked]) -> Act:
    from alchemesh_platform.app.product.deploy import preview

    return partial(_previewed, preview, asked, targets=targets, parallel=parallel, strict=strict)


def _previewed(
    preview: Callable[..., Outcome],
    asked: Sequence[Asked],
    product: Composed,
    listen: Listener,
    cancel: threading.Event,
    **options: Any,
) -> Outcome:
    plan = replace(product.plan, upcoming=frozenset(ports_of_others(product.plan, asked)))
    return preview(replace(product, plan=plan), listen=listen, cancel=cancel, **options)


def ports_of_others(plan: Plan, asked: Sequence[Asked]) -> Iterator[str]:
    """The output ports that a product reads, and that the manifest of another asked product declares.

    The deployment deploys providers first, so a port that is not deployed yet will be.
    """
    from alchemesh_platform.app.review.affected import address_in
    from alchemesh_platform.app.where import manifest_of

    wanted = {port.origin for port in plan.inputs if port.from_product}
    providers = {origin.rpartition("/")[0] for origin in wanted} - {plan.product.address}
    for each in asked if providers else ():
        if each.where.environment != plan.environment or each.address:
            continue
        with suppress(Failure, ProblemsFound, OSError):  # its own preview reports it
            if address_in(each.where.manifest.read_text("utf-8", "replace")) in providers:
                product = manifest_of(each.where).product
                yield from wanted & {f"{product.address}/{port.name}" for port in product.output_ports}


def _one(asked: Asked, act: Act, reading: threading.Lock, cancel: threading.Event, *, look: bool) -> Previewed:
    if cancel.is_set():
        return Previewed(asked, failure=Stopped("stopped by hand before this preview"))
    address = asked.address
    try:
        with reading:  # one start of emulators, one cache of parsed files
            if not address:
                with suppress(Failure, ProblemsFound):  # the next line reports it, with all others
                    address = product_address(asked.where)
            product = recorded_product(asked.where, address) if asked.address else read_product(asked.where, look=look)
        plans = [product.plan]

        def listen(event: Event) -> None:
            if isinstance(event, RunStarted):
                plans.append(event.plan)  # with its grants, and the outputs of shared stacks

        outcome = act(product, listen, cancel)
        return Previewed(asked, address, outcome, plans[-1])
    except ProblemsFound as found:
        return Previewed(asked, address, problems=found.problems)
    except StoppedByHand as failure:
        return Previewed(asked, address, failure=Stopped(failure.message))
    except Failure as failure:
        return Previewed(asked, address, problems=tuple(getattr(failure, "problems", ())), failure=failure)
    except BaseException as error:  # noqa: BLE001 - one product must not hide the others, also if its code exits
        unexpected = Unexpected(
            f"unexpected error: {described(error)}",
            hint="please report it with the command and the manifest",
        )
        return Previewed(asked, address, failure=unexpected)


def deployed_in(where: Where) -> list[Asked]:
    """Every deployed product of an environment, by the registry.

    Raises:
        ProblemsFound: with every problem of the platform file.
        RegistryUnavailable: when the registry cannot be read.
    """
    from alchemesh_platform.app.where import read_platform
    from alchemesh_platform.registry.records import ProductRecord
    from alchemesh_platform.registry.store import Registry

    platform = read_platform(where)
    with Registry.open(platform.registry, create=False) as registry:
        found = registry.all(ProductRecord, environment=platform.environment)
    return [Asked(where, address=address) for address in sorted(record.address for record in found)]
