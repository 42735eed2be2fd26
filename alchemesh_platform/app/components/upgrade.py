"""Upgrade the components of a product: preview the installed versions, then record them in the lock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alchemesh_platform.app.components.catalogue import unknown_component
from alchemesh_platform.app.events import Listener, ignore
from alchemesh_platform.base.failure import ExitCode, Failure

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Composed
    from alchemesh_platform.deployment.checks.components import ComponentChange
    from alchemesh_platform.deployment.report.outcome import Outcome


__all__ = ["ComponentChange", "EmulatedLock", "LockNotWritten", "Upgrade", "upgrade_components"]


class LockNotWritten(Failure):
    """Raised when the lock cannot be written."""


class EmulatedLock(Failure):
    """Raised for an emulated environment, which has no lock."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Upgrade:
    """The result of an upgrade.

    Args:
        environment: Name of the environment.
        path: The lock.
        changes: The components that differ from the recorded ones.
        preview: The preview with the installed components; None if there are no changes.
        written: Whether the lock records them now.
    """

    environment: str
    path: Path
    changes: tuple[ComponentChange, ...]
    preview: Outcome | None = None
    written: bool = False

    def as_json(self) -> dict[str, Any]:
        """The result as one JSON document."""
        return {
            "environment": self.environment,
            "lock": str(self.path),
            "components": [change.as_json() for change in self.changes],
            "preview": None if self.preview is None else self.preview.as_json(),
            "written": self.written,
        }


def upgrade_components(
    product: Composed,
    names: Iterable[str] = (),
    *,
    begin: Callable[[tuple[ComponentChange, ...]], object] = lambda changes: None,
    confirm: Callable[[Upgrade], bool] | None = None,
    listen: Listener = ignore,
    cancel: threading.Event | None = None,
) -> Upgrade:
    """Preview a product with the installed components, and record them in its lock. Deploys nothing.

    Args:
        product: The product, composed for an environment.
        names: Component types or components to upgrade; all that differ by default.
        begin: Receives the changes before the preview starts.
        confirm: Receives the changes with their preview, and returns whether to record them; without it, they are.
        listen: Receives each event of the preview.
        cancel: Set it to stop cleanly.

    Raises:
        UnknownComponent: when the product uses no component of a name.
        EmulatedLock: when the environment is emulated.
        LockNotWritten: when the lock cannot be written.
        ProblemsFound: when the lock cannot be read.
    """
    from alchemesh_platform.app.product.deploy import preview
    from alchemesh_platform.deployment.checks.components import component_changes, recorded_after
    from alchemesh_platform.manifest.lock import lock_path, read_lock, write_lock

    if product.platform.emulated:
        raise EmulatedLock(
            "an emulated environment has no lock: its deployments do not last", hint="leave out `--emulate`"
        )
    path, environment = lock_path(product.manifest.path), product.plan.environment
    lock = read_lock(path)
    wanted = _types(product, names, lock.of(environment))
    changes = tuple(
        change for change in component_changes(lock, product.plan) if not wanted or change.component_type in wanted
    )
    if not changes:
        return Upgrade(environment, path, ())
    begin(changes)
    targets = tuple(dict.fromkeys(port for change in changes for port in change.ports)) if wanted else ()
    seen = preview(product, targets=targets, upgrading=True, listen=listen, cancel=cancel)
    found = Upgrade(environment, path, changes, seen)
    if seen.outcome in ("failed", "cancelled") or (confirm is not None and not confirm(found)):
        return found
    types = [change.component_type for change in changes]
    try:
        write_lock(path, environment, recorded_after(lock, product.plan, types=types))
    except OSError as error:
        raise LockNotWritten(
            f"{path} cannot be written: {error.strerror}", hint="run the command in a writable copy of the repository"
        ) from error
    return Upgrade(environment, path, changes, seen, written=True)


def _types(product: Composed, names: Iterable[str], recorded: Iterable[str]) -> set[str]:
    """The component types with some names, or implemented by components with these names."""
    used = {planned.component_type: planned.spec.name for planned in product.plan.components()}
    known = {*used, *recorded}
    found = set()
    for name in names:
        matching = {name} & known or {kind for kind, component in used.items() if component == name}
        if not matching:
            raise unknown_component(name, {*known, *used.values()})
        found |= matching
    return found
