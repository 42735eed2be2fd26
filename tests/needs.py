"""Skips or fails tests of real servers without their prerequisites."""

from __future__ import annotations

import os

import pytest

from parts import java, kestra, languages, nifi
from parts.tools import chromium


def need_java() -> None:
    """Skip where Java or Maven is missing, and say so; fail under ``CI=true``, where no one reads it."""
    _need(java.missing())


def need_kestra() -> None:
    """Skip where Maven or a new Java is missing, and say so; fail under ``CI=true``, where no one reads it."""
    _need(kestra.missing())


def need_nifi_2() -> None:
    """Skip where Maven or a new Java is missing, and say so; fail under ``CI=true``, where no one reads it."""
    _need(nifi.TWO.missing())


def need_languages() -> None:
    """Skip where Go or Node is missing, and say so; fail under ``CI=true``, where no one reads it."""
    _need(languages.missing())


def need_chromium() -> None:
    """Skip where Node is missing, which unpacks Chromium, and say so; fail under ``CI=true``, where no one reads it."""
    _need(chromium.missing())


def _need(lacking: str | None) -> None:
    if lacking is None:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(lacking, pytrace=False)
    pytest.skip(lacking)
