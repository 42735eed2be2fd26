"""A permission to lose data counts for the ports that it names, and for one run."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alchemesh_platform.provider.loss import (
    ALLOW_VARIABLE,
    Loss,
    Permission,
    permission_in,
    split_loss,
    with_loss,
    withdraw,
)


@given(st.text(), st.none() | st.integers(0), st.none() | st.integers(0))
def test_a_loss_survives_the_engine_as_text(sentence: str, rows: int | None, files: int | None) -> None:
    loss = Loss(rows, files)
    assert split_loss(with_loss(sentence, loss)) == (sentence.partition("\n\nloss: ")[0], loss) or (
        "\n\nloss: " in sentence
    )
    assert split_loss(sentence)[0] == sentence or "\n\nloss: " in sentence


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("sales-table-storage-sale", False),
        ("sales-landing", True),
        ("sales", True),
        ("sales-table-storage", False),
        ("other-storage", False),
    ],
)
def test_a_port_whose_name_begins_like_another_has_its_own_permission(name: str, allowed: bool) -> None:
    permission = Permission({"sales": True, "sales-table-storage": False})
    assert permission.allows(name) is allowed


def test_a_permission_is_given_through_the_folder_of_the_stack_and_ends(tmp_path: Path) -> None:
    assert not permission_in(tmp_path).allows("a")
    Permission({"a": True, "b": False}).write(tmp_path)
    assert permission_in(tmp_path).allows("a-x")
    assert not permission_in(tmp_path).allows("b-x")
    withdraw(tmp_path)
    assert not permission_in(tmp_path).allows("a-x")
    (tmp_path / "data-loss.json").write_text("{", "utf-8")
    assert not permission_in(tmp_path).allows("a"), "a damaged permission is none"


def test_plain_pulumi_names_the_ports_in_a_variable() -> None:
    permission = permission_in(None, {ALLOW_VARIABLE: "sales-table, flights"})
    assert permission.allows("flights-storage-flight")
    assert not permission.allows("sales")
    assert not permission_in(None, {}).allows("sales")
