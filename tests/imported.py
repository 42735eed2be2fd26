"""All modules of the platform, imported by the process from which the commands of tests are forked."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import threading
from collections.abc import Iterator

from pydantic import BaseModel

PATH = list(sys.path)  # before the folders of pytest are on it
PACKAGES = ("alchemesh_cli", "alchemesh_platform", "alchemesh_stacks", "alchemesh_components")
# Imported where they are used. DuckDB and deltalake are not here: their imports start threads, which no fork survives.
LIBRARIES = ("alembic.command", "sqlalchemy.dialects.postgresql", "sqlalchemy.dialects.sqlite", "psycopg", "nipyapi")
# Programs, scripts that Alembic runs, modules of Dagster's Python, and the rows of code: pyarrow starts a thread, and
# only jobs import it.
NOT_MODULES = {"__main__", "migrations", "served", "data"}


def _models(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for model in base.__subclasses__():
        yield model
        yield from _models(model)


def _import_all() -> None:
    for package in PACKAGES:
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if not set(module.name.split(".")) & NOT_MODULES:
                importlib.import_module(module.name)
    for library in LIBRARIES:
        importlib.import_module(library)
    for model in _models(BaseModel):
        if not model.__pydantic_complete__:  # models are built where they are used first: once for all commands
            model.model_rebuild()
    assert threading.active_count() == 1


_import_all()
