"""Paths as inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator


def _absolute(text: str) -> str:
    if not Path(text).is_absolute():
        raise ValueError(f"expected an absolute path, found {text!r}")
    return text


AbsolutePath = Annotated[str, AfterValidator(_absolute)]
