"""Remedies: sentences whose commands are values."""

from __future__ import annotations

import copy
import json
import shlex

import hypothesis.strategies as st
import pytest
from hypothesis import given

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.problems import Location, Problem
from alchemesh_platform.base.remedy import (
    Command,
    Remedy,
    command,
    commands_of,
    joined,
    remedy,
    split_hint,
    with_hint,
)

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))
COMMANDS = st.builds(Command, st.lists(WORDS, min_size=1).map(tuple), st.booleans())
REMEDIES = st.lists(st.text(st.characters(codec="utf-8")) | COMMANDS, min_size=1).map(Remedy)
SENTENCES = st.text(st.characters(codec="utf-8")).filter(lambda text: "\n\n" not in text)


def test_a_remedy_reads_as_its_sentence() -> None:
    found = remedy("{} or {name}", command("access", "approve", "req-1"), name=command("up", about_product=True))
    assert found == "`alchemesh access approve req-1` or `alchemesh up`"
    assert found.commands == (Command(("access", "approve", "req-1")), Command(("up",), about_product=True))
    assert found.as_json() == {
        "text": "`alchemesh access approve req-1` or `alchemesh up`",
        "commands": [["alchemesh", "access", "approve", "req-1"], ["alchemesh", "up"]],
    }


def test_braces_of_values_are_text() -> None:
    assert remedy("write {} then {}", "{secret: NAME}", command("up")) == "write {secret: NAME} then `alchemesh up`"


def test_a_remedy_keeps_the_commands_of_remedies_in_it() -> None:
    inner = remedy("run {}", command("up"))
    assert remedy("{}; or wait", inner).commands == inner.commands
    assert joined(", ", ["see there", inner]).parts == ("see there, run ", Command(("up",)))


def test_options_of_another_environment_are_words() -> None:
    there = command("up", environment="prod", emulated=True)
    assert there.argv == ("alchemesh", "up", "-e", "prod", "--emulate")
    assert str(there) == "`alchemesh up -e prod --emulate`"


def test_words_are_quoted_for_a_shell_only_where_they_must_be() -> None:
    asked = command("access", "request", "a/b/c", "--as", "data_product:d/e", "--purpose", "…")
    assert asked.line == 'alchemesh access request a/b/c --as data_product:d/e --purpose "…"'
    assert command("unlock", "two words").line == "alchemesh unlock 'two words'"
    assert command("unlock", "$HOME").line == "alchemesh unlock '$HOME'"


@given(COMMANDS)
def test_a_shell_reads_a_line_as_the_words_of_its_command(found: Command) -> None:
    assert tuple(shlex.split(found.line)) == found.argv


def test_commands_can_be_changed_and_the_text_stays() -> None:
    found = remedy("run {}, then wait", command("up"))
    assert found.with_commands(lambda each: each.with_words("-e", "prod")) == "run `alchemesh up -e prod`, then wait"
    assert found.with_text(str.upper) == "RUN `alchemesh up`, THEN WAIT"


@given(SENTENCES, REMEDIES)
def test_a_remedy_crosses_a_text_boundary_unchanged(sentence: str, hint: Remedy) -> None:
    before, after = split_hint(with_hint(sentence, hint))
    assert before == sentence
    assert after == (hint if hint.commands else hint.strip())
    assert commands_of(after) == commands_of(hint)
    assert (not hint.commands) or (isinstance(after, Remedy) and after.parts == hint.parts)


def test_a_hint_that_was_changed_on_the_way_has_no_commands() -> None:
    sent = with_hint("it failed", remedy("tell hunter2 to run {}", command("up")))
    assert split_hint(sent.replace("hunter2", "[secret]", 1)) == ("it failed", "tell [secret] to run `alchemesh up`")
    assert commands_of(split_hint(sent.replace("hunter2", "[secret]", 1))[1]) == []
    assert split_hint(sent[:-3])[1] == "tell hunter2 to run `alchemesh up`"


def test_a_text_without_a_hint_has_none() -> None:
    assert split_hint("it failed") == ("it failed", "")
    assert with_hint("it failed", None) == "it failed"


def test_a_remedy_survives_copies() -> None:
    found = remedy("run {}", command("up"))
    for copied in (copy.copy(found), copy.deepcopy(found)):
        assert (copied, copied.parts) == (found, found.parts)


def test_documents_have_the_text_and_the_commands_of_a_hint() -> None:
    problem = Problem(Location("alchemesh.yaml"), "name", "found nothing", remedy("run {}", command("up")))
    document = json.loads(json.dumps(problem.as_json()))
    assert document["hint"] == "run `alchemesh up`"
    assert document["commands"] == [["alchemesh", "up"]]
    assert str(problem) == "alchemesh.yaml:1:1  name: found nothing\n\nhint: run `alchemesh up`"
    assert commands_of(problem.as_text()) == [["alchemesh", "up"]]
    assert "commands" not in Problem(Location("alchemesh.yaml"), "name", "found nothing", "write it").as_json()
    assert commands_of(Failure("it failed", hint=remedy("run {}", command("up"))).hint) == [["alchemesh", "up"]]


def test_an_f_string_with_commands_is_an_error_in_tests() -> None:
    """The commands of a hint were once lost in an f-string, without a sign of it."""
    hint = remedy("run {}", command("up"))
    with pytest.raises(AssertionError, match=r"loses its commands \(alchemesh up\)"):
        f"first {hint}"
    assert f"first {hint!s}" == "first run `alchemesh up`"
    assert f"first {remedy('run it')}" == "first run it"
