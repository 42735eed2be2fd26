"""Imports the modules that a run needs while the engine starts and this process would otherwise wait.

Pulumi's cloud SDKs are large: importing the modules of a usual product takes as long as starting the engine. Only a
product's program shows which modules it uses, so each run stores their names for the next run.
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

from alchemesh_platform.base.files.writing import write_private
from alchemesh_platform.compose.plan import Plan
from alchemesh_platform.engine.run.sdk_imports import SDK_IMPORTS

FILE = "imported.json"  # in the stack's work folder
SDK_PREFIX = "pulumi_"


@contextmanager
def importing_ahead(plan: Plan, folder: Path, program: Callable[[], object]) -> Iterator[Callable[[], object]]:
    """Import modules while the block runs, and store the modules that this run used for the next run.

    Args:
        plan: The plan to declare.
        folder: The stack's work folder.
        program: Declares it.

    Yields:
        The program. It waits for the imports: a package that two threads load at the same time may stay empty.
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
        with suppress(OSError):  # the file only saves time
            if _read(file) != used:
                write_private(file, used)


def sdk_modules(imported: Iterable[str]) -> list[str]:
    """Names of the SDK packages that are loaded, among the imported modules: ``pulumi_gcp.storage``."""
    packages = {".".join(name.split(".")[:2]) for name in imported if name.startswith(SDK_PREFIX) and "." in name}
    # A package with a different type is not loaded yet: it loads on first use.
    return sorted(name for name in packages if type(sys.modules.get(name)) is ModuleType and "._" not in name)


def _import(plan: Plan, file: Path) -> None:
    """Import the modules. A failure here appears again, with its error, when the program needs the module."""
    with suppress(Exception), SDK_IMPORTS:
        for planned in plan.components():
            planned.spec.component_class()
        for name in json.loads(_read(file) or "[]"):
            getattr(importlib.import_module(name), "__all__", None)  # reading an attribute loads a lazy SDK package


def _read(file: Path) -> str | None:
    try:
        return file.read_text("utf-8")
    except OSError:
        return None
