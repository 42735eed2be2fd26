"""The template engine is an extra: without it, the commands that need it name the one that installs it."""

from __future__ import annotations

import sys

import pytest

from alchemesh_platform.scaffold.templates import TemplatesMissing, sandbox


@pytest.mark.parametrize("extra", ["testing", "ci"])
def test_a_missing_template_engine_is_named_with_the_command(extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)

    with pytest.raises(TemplatesMissing, match="Jinja2, is not installed here") as missing:
        sandbox(extra)
    assert missing.value.hint == f"`pip install 'alchemesh-platform[{extra}]'`"


def test_a_template_with_an_unknown_name_is_an_error() -> None:
    from jinja2 import UndefinedError

    with pytest.raises(UndefinedError):
        sandbox("ci").from_string("{{ unknown }}").render()
