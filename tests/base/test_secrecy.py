"""Secrets that nobody has named do not leave the program: in failures, problems, documents and differences."""

from __future__ import annotations

import json
from typing import Any

import click
import pytest

from alchemesh_cli import main
from alchemesh_cli.documents import DOCUMENTS, json_text
from alchemesh_platform.app.components.catalogue import Finding
from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.problems import Location, Problem
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.base.secrecy.recognise import hidden
from alchemesh_platform.base.secrets import MASK
from alchemesh_platform.testing.finding import RULES
from alchemesh_platform.testing.finding import Finding as Broken

FOUND = "connect postgresql://u:hunter2@h/db, password=hunter2: refused"
SHOWN = f"connect postgresql://{MASK}@h/db, password={MASK} refused"


@pytest.mark.parametrize(
    ("path", "values", "shown"),
    [
        ("size", (3, 4), (3, 4)),
        ("env.DB_PASSWORD", (None, "hunter2"), (None, MASK)),
        ("env.DB_PASSWORD", ("hunter2", "hunter3"), (MASK, MASK)),
        ("password", ({"a": "hunter2"}, None), (MASK, None)),
        ("password", ({"secret": "DB_PASSWORD"}, "hunter2"), ({"secret": "DB_PASSWORD"}, MASK)),
        ("env", (None, {"PASSWORD": {"secret": "DB_PASSWORD"}}), (None, {"PASSWORD": {"secret": "DB_PASSWORD"}})),
        ("password", (None, {"secret": "hunter2"}), (None, MASK)),
        ("url", ("https://x/", "https://x/?token=hunter2"), (MASK, MASK)),
        (
            "args.env",
            (None, {"DB_PASSWORD": "hunter2", "API": "https://x/?token=hunter2", "REGION": "eu"}),
            (None, {"DB_PASSWORD": MASK, "API": MASK, "REGION": "eu"}),
        ),
        ("headers", (["Bearer hunter2abc"], [{"Authorization": "hunter2"}]), ([MASK], [{"Authorization": MASK}])),
    ],
)
def test_secrets_of_a_property_are_masked_on_both_sides(
    path: str, values: tuple[Any, Any], shown: tuple[Any, Any]
) -> None:
    assert hidden(path, *values) == shown


def test_the_message_of_a_failure_has_no_secret_of_a_driver_or_package() -> None:
    failure = Failure(FOUND, hint=remedy("{} again, not with password=hunter2", command("up")))
    assert (failure.message, str(failure)) == (SHOWN, SHOWN)
    assert failure.hint == f"`alchemesh up` again, not with password={MASK}"
    assert [each.line for each in failure.hint.commands] == ["alchemesh up"]


def test_a_problem_has_no_secret_in_text_and_json() -> None:
    problem = Problem(Location("alchemesh.yaml", 3, 1), "code", FOUND, FOUND)
    assert (problem.message, problem.hint) == (SHOWN, SHOWN)
    assert "hunter2" not in f"{problem}{problem.as_json()}"


def test_findings_about_components_have_no_secret() -> None:
    assert Finding("a", "acme", "loading", FOUND, "fix it", "error").message == SHOWN
    assert Broken(next(iter(RULES)), "a", FOUND).what == SHOWN


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_only_the_documents_of_credentials_show_secrets(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alchemesh_cli.documents.on_document", None)
    text = json_text(name, {"notes": [{"reason": FOUND}]})
    assert json.loads(text)["notes"] == [{"reason": FOUND if name in ("connections", "credential") else SHOWN}]


def test_an_unexpected_error_is_reported_without_a_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    def broken() -> None:
        raise RuntimeError(FOUND)

    monkeypatch.setattr(main, "alchemesh", broken)
    assert main.invoke([]) == 1
    assert capsys.readouterr().err.startswith(f"error: unexpected error: RuntimeError: {SHOWN}\n")
