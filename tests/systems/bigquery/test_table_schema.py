"""A check, and so a preview, refuses an incompatible change of a BigQuery table."""

from __future__ import annotations

import threading
from typing import Any

from alchemesh_platform.provider.handler import Context
from alchemesh_platform.provider.loss import Loss, Permission, with_loss
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.systems.bigquery.handler import TableSchemaHandler, TableSchemaInputs

FIELDS = ({"name": "a", "type": "STRING", "mode": "NULLABLE"}, {"name": "b", "type": "INTEGER", "mode": "REQUIRED"})
TABLE = "acme-mesh.prod__aviation__flights.flight"


def no_registry() -> Registry:
    raise LookupError("a schema needs no registry")


class Asked:
    """Asks the handler, and records its messages."""

    def __init__(
        self,
        old: TableSchemaInputs | None,
        new: TableSchemaInputs,
        deployed: dict[str, set[str]] | None = None,
        *,
        allowed: bool = True,
    ) -> None:
        self.reported: list[tuple[str, str]] = []
        context = Context(
            "urn",
            threading.Event(),
            no_registry,
            lambda *said: self.reported.append(said),
            deployed=deployed,
            permission=lambda: Permission({}, everything=allowed),
        )
        self.refusals = list(TableSchemaHandler().check(new, old, context))


def schema(*fields: dict[str, Any], **more: Any) -> TableSchemaInputs:
    return TableSchemaInputs(table=more.pop("table", TABLE), fields=fields, **more)


def test_a_first_deployment_is_compared_with_nothing() -> None:
    assert Asked(None, schema(*FIELDS)).refusals == []


def test_a_compatible_change_passes() -> None:
    relaxed = {**FIELDS[1], "mode": "NULLABLE"}
    added = {"name": "c", "type": "DATE", "mode": "NULLABLE"}
    assert Asked(schema(*FIELDS), schema(FIELDS[0], relaxed, added)).refusals == []


def test_an_incompatible_change_is_refused_at_its_column_with_a_fix() -> None:
    (refusal,) = Asked(schema(*FIELDS), schema(FIELDS[0], {**FIELDS[1], "type": "STRING"})).refusals
    assert refusal.property == "fields[1]"
    assert refusal.reason.startswith(f"column b: table {TABLE} cannot follow: its type would change from integer to")
    assert "on_incompatible_change: replace" in refusal.reason


def test_a_removed_column_and_a_new_partitioning_are_both_reported() -> None:
    refusals = Asked(schema(*FIELDS), schema(FIELDS[0], partition_by="a")).refusals
    assert [refusal.property for refusal in refusals] == ["fields", "partitionBy"]


def test_a_table_is_replaced_only_when_that_was_deployed_before() -> None:
    """Otherwise one run would remove its protection from deletion and delete it."""
    (refusal,) = Asked(schema(*FIELDS), schema(FIELDS[0], on_incompatible_change="replace")).refusals
    assert "with the old model first" in refusal.reason
    ready = schema(*FIELDS, on_incompatible_change="replace")
    asked = Asked(ready, schema(FIELDS[0], on_incompatible_change="replace"))
    assert asked.refusals == []
    sentence = with_loss(f"table {TABLE} loses columns, with their values: b", Loss())
    assert asked.reported == [("warning", sentence)]
    (refusal,) = Asked(ready, schema(FIELDS[0], on_incompatible_change="replace"), allowed=False).refusals
    assert refusal.reason == sentence
    renamed = schema(FIELDS[0], {"name": "c", "type": "DATE", "mode": "NULLABLE"}, on_incompatible_change="replace")
    words = f"table {TABLE} is re-created, without its rows: b: the table has it, and the model has not"
    assert Asked(ready, renamed).reported == [("warning", with_loss(words, Loss()))]


def test_a_key_that_is_set_where_rows_are_is_refused() -> None:
    """The provider would replace the table."""
    (refusal,) = Asked(schema(*FIELDS), schema(*FIELDS, encryption_key="a-key")).refusals
    assert refusal.property == "encryptionKey"
    assert Asked(schema(*FIELDS, encryption_key="a-key"), schema(*FIELDS, encryption_key="b-key")).refusals == []


def test_a_table_with_rows_does_not_move() -> None:
    """A dataset in another location is another dataset: the rows would stay behind, or be lost."""
    here, there = schema(*FIELDS, location="europe-west1"), schema(*FIELDS, location="EU")
    (refusal,) = Asked(here, there).refusals
    assert refusal.property == "location"
    assert "it is in europe-west1, and stays there; EU is asked for" in refusal.reason
    assert "set settings.gcp.bigquery_location to europe-west1, or" in refusal.reason
    assert Asked(schema(*FIELDS), there).refusals == []  # recorded by a version without the location


def test_a_table_that_was_never_created_refuses_no_change() -> None:
    """Its schema is recorded before its creation: an uncreated table restricts no change."""
    dataset = {"gcp:bigquery/dataset:Dataset": {"projects/acme-mesh/datasets/prod__aviation__flights"}}
    table = {"gcp:bigquery/table:Table": {"projects/acme-mesh/datasets/prod__aviation__flights/tables/flight"}}
    old = schema(*FIELDS, location="europe-west9", encryption_key="a-key")
    new = schema(FIELDS[0], location="EU")
    assert Asked(old, new, {}).refusals == []
    # A dataset without its table keeps its location too.
    assert [refusal.property for refusal in Asked(old, new, dataset).refusals] == ["location"]
    assert len(Asked(old, new, {**dataset, **table}).refusals) == 3


def test_a_different_table_is_not_compared() -> None:
    assert Asked(schema(*FIELDS), schema(FIELDS[0], table="acme-mesh.other.flight")).refusals == []
