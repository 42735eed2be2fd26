"""A process of its own for code that uses Google's clients: they cannot be imported after the platform's provider."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any


class OwnProcess:
    """Runs functions of a module that imports neither Pulumi nor the provider."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """The result of a function, or its error; an assertion of it fails the test."""
        return self._pool.submit(function, *arguments).result()


@contextmanager
def own_process(variables: Mapping[str, str]) -> Iterator[OwnProcess]:
    """One process, in which the emulators' variables are set."""
    context = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=_prepare, initargs=(dict(variables),)) as pool:
        yield OwnProcess(pool)


def _prepare(variables: dict[str, str]) -> None:
    os.environ.update(variables)
