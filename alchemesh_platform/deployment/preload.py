"""Imports for a run what it will need, while the engine starts and this process has nothing else to do.

Pulumi's SDKs of clouds are large: the modules of a usual product take as long to import as the engine takes to start.
Which of them a product uses shows when its program runs, so each run leaves the names for the next one.
"""

from __future__ import annotations

import importlib
import json
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType

from alchemesh_platform.base.writing import write_private
from alchemesh_platform.compose.plan import Plan
from alchemesh_platform.engine.run.sdk_imports import SDK_IMPORTS

FILE = "imported.json"  # in the stack's work folder
SDK_PREFIX = "pulumi_"


@contextmanager
def importing_ahead(plan: Plan, folder: Path, program: Callable[[], object]) -> Iterator[Callable[[], object]]:
    """Import while the block runs, and keep for the next run what this one has used.

    Args:
        plan: The plan to declare.
        folder: The stack's work folder.
        program: Declares it.

    Yields:
        The program, which begins when the imports are done: a package that two threads fill at once may stay empty.
    """
    file = folder / FILE
    ahead = threading.Thread(target=_import, args=(plan, file), name="imports", daemon=True)
    ahead.start()

    def begin() -> object:
        ahead.join()
        return program()

    try:
        yield begin
    finally:
        ahead.join()
        used = json.dumps(sdk_modules(list(sys.modules)))
        with suppress(OSError):  # it is of use, not of need
            if _read(file) != used:
                write_private(file, used)


def sdk_modules(imported: Iterable[str]) -> list[str]:
    """Names of the SDKs' packages that are filled, of modules by name: ``pulumi_gcp.storage``."""
    packages = {".".join(name.split(".")[:2]) for name in imported if name.startswith(SDK_PREFIX) and "." in name}
    # Of another type is one that is there by name and will be filled when it is used.
    return sorted(name for name in packages if type(sys.modules.get(name)) is ModuleType and "._" not in name)


def _import(plan: Plan, file: Path) -> None:
    """Import. A failure here appears again, with its error, when the program needs the module."""
    with suppress(Exception), SDK_IMPORTS:
        for planned in plan.components():
            planned.spec.component_class()
        for name in json.loads(_read(file) or "[]"):
            getattr(importlib.import_module(name), "__all__", None)  # asked for a name, a package of an SDK is filled


def _read(file: Path) -> str | None:
    try:
        return file.read_text("utf-8")
    except OSError:
        return None
