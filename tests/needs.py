"""Skips or fails tests of real servers without their prerequisites."""

from __future__ import annotations

import os

import pytest

from parts import java


def need_java() -> None:
    """Skip where Java or Maven is missing, and say so; fail under ``CI=true``, where no one reads it."""
    if (lacking := java.missing()) is None:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(lacking, pytrace=False)
    pytest.skip(lacking)
