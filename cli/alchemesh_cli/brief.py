"""Faster short commands: most of their time is spent on imports, and a part of that can be saved."""

from __future__ import annotations

import gc
import os
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

# https://docs.pydantic.dev/latest/concepts/plugins/: looking for plugins reads the metadata of every installed package.
PLUGINS_VARIABLE = "PYDANTIC_DISABLE_PLUGINS"
# The module that looks for them imports importlib.metadata, and with it the email package, before it reads the
# variable: a tenth of the time of `validate`. If pydantic moves the module, only that time is lost.
PLUGINS_MODULE = "pydantic.plugin._loader"

_ran: list[bool] = []


@contextmanager
def brief() -> Iterator[None]:
    """Run a block without garbage collection and without pydantic's plugins.

    Imported objects live until the process ends, so garbage collection finds nothing. Use it only for a block that
    starts no other process, which would inherit the variable.
    """
    _ran.append(True)
    before = os.environ.get(PLUGINS_VARIABLE)
    os.environ[PLUGINS_VARIABLE] = "__all__"
    if "pydantic" not in sys.modules:
        without_plugins = types.ModuleType(PLUGINS_MODULE)
        without_plugins.get_plugins = tuple  # type: ignore[attr-defined] # a module's names are set, not declared
        sys.modules[PLUGINS_MODULE] = without_plugins
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
        if before is None:
            del os.environ[PLUGINS_VARIABLE]
        else:
            os.environ[PLUGINS_VARIABLE] = before


def leave(code: int) -> NoReturn:
    """End the process. After a brief block, what was imported is not freed: that takes time."""
    if not _ran:
        sys.exit(code)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # a closed pipe; `invoke` has reported it
            stream.flush()
    os._exit(code)
