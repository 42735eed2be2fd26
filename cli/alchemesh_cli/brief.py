"""For commands that are over in the blink of an eye: most of their time is imports, and some of that can be spared."""

from __future__ import annotations

import gc
import os
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager

# https://docs.pydantic.dev/latest/concepts/plugins/: looking for plugins reads the metadata of every installed package.
PLUGINS_VARIABLE = "PYDANTIC_DISABLE_PLUGINS"
# The module that looks for them imports importlib.metadata, and with it the email package, before it looks at the
# variable: a tenth of `alchemesh validate`. Where pydantic moves it, this stands for nothing and only the time is lost.
PLUGINS_MODULE = "pydantic.plugin._loader"


@contextmanager
def brief() -> Iterator[None]:
    """Run a block without garbage collection and without pydantic's plugins.

    What imports make is there to stay: collecting finds nothing, neither on the way nor when the interpreter ends. Only
    for a block that starts no other process, which would inherit the variable.
    """
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
