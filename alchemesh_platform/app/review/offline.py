"""Preview a product without an engine, a plugin, a network or credentials, for a merge request from a fork.

The program runs in this process and declares its resources. The contracts are compared with those of the base branch.
Everything that only the state, the registry or a cloud knows is named in the notes.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from alchemesh_platform.app.events import Listener, RunEnded, RunStarted
from alchemesh_platform.base.names import MANIFEST
from alchemesh_platform.base.printable import one_line
from alchemesh_platform.base.problems import Problem, ProblemsFound, errors_of, in_file_order
from alchemesh_platform.base.remedy import command, remedy

if TYPE_CHECKING:
    from alchemesh_platform.app.review.repository import Repository
    from alchemesh_platform.app.where import Composed
    from alchemesh_platform.contracts.compatibility.step import PortStep
    from alchemesh_platform.deployment.report.outcome import Outcome
    from alchemesh_platform.manifest.load import LoadedManifest

UNKNOWN_STATE = (
    "offline: the state was not read, so every resource counts as new. Unknown are changes and replacements of "
    "deployed resources, lost data, and drift"
)
UNKNOWN_REGISTRY = (
    "offline: the registry was not read. Unknown are grants, consumers, notice periods, owners of consumers, and "
    "access to the ports that are read"
)
UNKNOWN_CHECKS = "offline: no provider and no cloud has checked the arguments"
UNKNOWN_POLICIES = (
    "offline: policies of the mesh are those that this machine last read; without them, the platform's own"
)
UNKNOWN_STACKS = "offline: outputs of the shared stacks are unknown"
COMPARED_WITH_NOTHING = "offline: contracts were compared with nothing"
UNKNOWN_BASE = f"{COMPARED_WITH_NOTHING}; --affected-by names a base"


@dataclass(frozen=True)
class OfflinePreview:
    """Previews products offline; one at a time, since Pulumi's SDK has one program in a process.

    Args:
        repository: The repository of the products; None without a base.
        commit: The commit whose contracts are compared.
    """

    repository: Repository | None = None
    commit: str = ""
    _one: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def since(cls, base: str | None, folder: Path) -> OfflinePreview:
        """Previews that compare contracts with those of a base.

        Raises:
            NoRepository, BaseMissing: when git cannot compare.
        """
        from alchemesh_platform.app.review.repository import Repository

        if base is None:
            return cls()
        repository = Repository.of(folder)
        return cls(repository, repository.base(base).commit)

    def __call__(self, product: Composed, listen: Listener, _cancel: threading.Event) -> Outcome:
        """Preview one product.

        Returns:
            The changes of a first deployment, with the contract steps from the base, and the notes on what is unknown.

        Raises:
            ComponentFault: when a component of another package cannot be deployed as it is.
            ProblemsFound: when the lock cannot be read.
        """
        from alchemesh_platform.app.programs import declare_product, try_program
        from alchemesh_platform.deployment.checks.components import component_changes, component_problems
        from alchemesh_platform.deployment.checks.promises import rule_problems
        from alchemesh_platform.deployment.report.outcome import Outcome, merged
        from alchemesh_platform.deployment.report.progress import Progress
        from alchemesh_platform.engine.run.events import ResourceOutputs
        from alchemesh_platform.manifest.lock import lock_path, read_lock
        from alchemesh_platform.mesh_repo.last_seen import policies_as_last_seen

        started = time.monotonic()
        plan, manifest = product.plan, product.manifest
        lock = read_lock(lock_path(manifest.path))
        try:
            steps, unknown = self._steps(manifest, self._base_of(manifest, plan.environment)), ""
        except _UnknownBase as found:
            steps, unknown = [], str(found)
        progress = Progress(plan, steps)
        listen(RunStarted("preview", plan, progress))
        with self._one:
            try_program(plan)
            registered = declare_product(plan)
        for event in registered:
            progress.on_event(event)
            for _ in range(1 if event.custom else 2):  # a preview reports a group at its start and at its end
                progress.on_event(ResourceOutputs(**{each.name: getattr(event, each.name) for each in fields(event)}))
        rules = rule_problems(steps, manifest)
        components = {} if plan.emulated else component_problems(lock, plan.environment, component_changes(lock, plan))
        places = merged(
            *({port: tuple(errors_of(every)) for port, every in each.items()} for each in (rules, components))
        )
        results = policies_as_last_seen(manifest, product.platform, plan)
        reported = [*manifest.warnings, *(problem for result in results for problem in result.problems())]
        broken = [problem for each in (rules, components) for found in each.values() for problem in found]
        every = [*reported, *broken]
        outcome = Outcome(
            plan.product.address,
            plan.environment,
            "preview",
            "succeeded",
            time.monotonic() - started,
            progress,
            notes=(*self._notes(product, unknown), *self._readers(steps, plan.environment)),
            forbidden=tuple(in_file_order(errors_of(every))),
            warnings=tuple(in_file_order(_warnings_of(every))),
            emulated=plan.emulated,
            places={port: found for port, found in places.items() if found},
            is_recorded=False,
            offline=True,
        )
        listen(RunEnded(outcome))
        return outcome

    def _notes(self, product: Composed, unknown: str) -> Iterator[str]:
        environment = product.platform.environment
        yield UNKNOWN_STATE
        yield UNKNOWN_REGISTRY
        yield UNKNOWN_CHECKS
        yield UNKNOWN_POLICIES
        if product.plan.foundations:
            yield UNKNOWN_STACKS
        if unknown:
            yield unknown
        preview = command("preview", environment=environment, about_product=True)
        yield remedy("with rights to read the environment, {} knows all of this", preview)

    def _steps(self, manifest: LoadedManifest, before: LoadedManifest | None) -> list[PortStep]:
        """The step of each contract from the base to the manifest."""
        from alchemesh_platform.contracts.compatibility.step import step_of
        from alchemesh_platform.contracts.port import promised_ports

        product = manifest.product
        recorded = promised_ports(before.product) if before is not None else {}
        declared = promised_ports(product)
        steps = [
            step_of(f"{product.address}/{name}", recorded.get(name), declared.get(name))
            for name in dict.fromkeys((*declared, *recorded))
        ]
        return [step for step in steps if step.promises]

    def _base_of(self, manifest: LoadedManifest, environment: str) -> LoadedManifest | None:
        """The manifest of the product as the base has it; None if the base has no product with its address.

        Raises:
            _UnknownBase: when there is no base, or its manifest cannot be read.
        """
        from alchemesh_platform.app.review.affected import address_in

        if self.repository is None:
            raise _UnknownBase(UNKNOWN_BASE)
        path = self.repository.relative(manifest.path)
        renamed = next((each.formerly for each in self.repository.changes(self.commit) if each.path == path), None)
        former = renamed or path
        address = manifest.product.address
        addresses = {}
        if former is not None:
            addresses = {name: address_in(text) for name, text in self._texts([former]).items()}
        if address not in addresses.values():
            names = [file for file in self.repository.files_at(self.commit) if PurePosixPath(file).name == MANIFEST]
            addresses |= {name: address_in(text) for name, text in self._texts(names).items()}
        found = [name for name, each in addresses.items() if each == address]
        if found:
            return self._loaded(found[0], environment)
        if "" in addresses.values():  # one of them may be this product
            unread = ", ".join(one_line(name) for name, each in sorted(addresses.items()) if not each)
            raise _UnknownBase(f"{COMPARED_WITH_NOTHING}: the base has no address in {unread}")
        return None

    def _loaded(self, path: str, environment: str) -> LoadedManifest:
        """A manifest of the base, with the files beside it.

        Raises:
            _UnknownBase: when it cannot be read.
        """
        from alchemesh_platform.manifest.load import load_manifest

        folder = str(PurePosixPath(path).parent)
        files = self.repository.files_at(self.commit, folder) if self.repository is not None else ()
        texts = self._texts([file for file in files if file.endswith((".yaml", ".yml"))])
        with tempfile.TemporaryDirectory(prefix="alchemesh-base-") as scratch:
            for name, text in texts.items():
                file = Path(scratch, PurePosixPath(name).relative_to(folder))
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, "utf-8")
            try:
                return load_manifest(Path(scratch, PurePosixPath(path).name), environment)
            except ProblemsFound as found:
                reason = f"{one_line(path)} of the base has problems: {one_line(found.problems[0].message)}"
                raise _UnknownBase(f"{COMPARED_WITH_NOTHING}: {reason}") from found

    def _texts(self, paths: Sequence[str]) -> dict[str, str]:
        return {} if self.repository is None else self.repository.texts_at(self.commit, paths)

    def _readers(self, steps: Sequence[PortStep], environment: str) -> Iterator[str]:
        """A note for each changed port that a product of the repository reads."""
        from alchemesh_platform.app.review.affected import readers_in

        changed = [step.address for step in steps if step.before is not None and step.diff.changes]
        if self.repository is None or not changed:
            return
        for port, readers in readers_in(self.repository, environment, changed).items():
            yield f"{port} changes, and is read in this repository by {', '.join(readers)}"


class _UnknownBase(Exception):
    """Raised when the contracts of the base are unknown; its text is the note."""


def _warnings_of(problems: list[Problem]) -> list[Problem]:
    errors = errors_of(problems)
    return [replace(problem, severity="warning") for problem in problems if problem not in errors]
