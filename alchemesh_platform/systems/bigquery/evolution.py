"""Schema changes of a BigQuery table: the changes that it supports in place, and the reasons against the others.

Source: https://cloud.google.com/bigquery/docs/managing-table-schemas
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alchemesh_platform.systems.bigquery.columns import Field

REPLACE = "set `on_incompatible_change: replace`, which re-creates the table without its rows"


@dataclass(frozen=True, slots=True)
class Change:
    """A change that a table cannot follow.

    Args:
        column: Dotted for parts, None for the table as a whole.
        property: The changed property of the table, if it is no column.
    """

    column: str | None
    reason: str
    remedy: str
    property: str = "fields"


def incompatible(
    old: Sequence[Field], new: Sequence[Field], old_partition: str | None = None, new_partition: str | None = None
) -> list[Change]:
    """The parts of a change that a table cannot follow.

    It can add nullable columns and fields, make a required column nullable, and change descriptions, policy
    tags and clustering. It cannot change a type, make a column required, add a required column, or change its
    partitioning. Dropping a column would take its values from consumers.
    """
    changes = list(_incompatible(old, new, ""))
    if old_partition != new_partition:
        reason = f"partitioning would change from {old_partition or 'none'} to {new_partition or 'none'}"
        changes.append(Change(None, reason, f"keep the partitioning, or {REPLACE}", "partitionBy"))
    return changes


def otherwise_encrypted(old_key: str | None, new_key: str | None) -> Iterator[Change]:
    """The reason why a table cannot gain or lose a customer-managed key. Changing from one key to another is possible.

    Source: https://cloud.google.com/bigquery/docs/customer-managed-encryption#change_to_kms
    """
    if bool(old_key) != bool(new_key):
        reason = f"its key would change from {old_key or 'one of Google'} to {new_key or 'one of Google'}"
        yield Change(None, reason, f"keep the key of settings.gcp.encryption_keys, or {REPLACE}", "encryptionKey")


def moved(old_location: str | None, new_location: str | None) -> Iterator[Change]:
    """The reason why a table cannot move: the location of a dataset cannot change.

    Source: https://cloud.google.com/bigquery/docs/locations#specify_locations
    """
    if None not in (old_location, new_location) and old_location != new_location:
        reason = f"it is in {old_location}, and stays there; {new_location} is asked for"
        yield Change(None, reason, f"set settings.gcp.bigquery_location to {old_location}, or {REPLACE}", "location")


def dropped(
    old: Sequence[Field], new: Sequence[Field], old_partition: str | None = None, new_partition: str | None = None
) -> list[str]:
    """Columns that can be dropped in place: no column is added and no other change is incompatible.

    Dropping one column and adding another might be a rename; Google Cloud's provider then re-creates the table.

    Source: resource_bigquery_table.go of the provider (resourceBigQueryTableSchemaIsChangeable)
    """
    names = {field["name"] for field in new}
    gone = [str(field["name"]) for field in old if field["name"] not in names]
    rest = [field for field in old if field["name"] in names]
    comes = len(new) > len(rest)
    return [] if comes or incompatible(rest, new, old_partition, new_partition) else gone


def _incompatible(old: Sequence[Field], new: Sequence[Field], above: str) -> Iterator[Change]:
    before = {field["name"]: field for field in old}
    after = {field["name"]: field for field in new}
    for name in before:
        if name not in after:
            yield Change(
                f"{above}{name}", "the table has it, and the model has not", f"keep it in the model, or {REPLACE}"
            )
    for name, field in after.items():
        column = f"{above}{name}"
        if name not in before:
            if field["mode"] == "REQUIRED":
                reason = "it is new and required, and no row has a value for it"
                yield Change(column, reason, f"make it optional, or {REPLACE}")
            continue
        was = before[name]
        if _type(was) != _type(field):
            reason = f"its type would change from {_type(was)} to {_type(field)}"
            yield Change(column, reason, f"add a column of the new type beside it, or {REPLACE}")
            continue
        if was["mode"] != "REQUIRED" and field["mode"] == "REQUIRED":
            reason = "it would become required, and the rows there may lack it"
            yield Change(column, reason, f"leave it optional, or {REPLACE}")
        yield from _incompatible(was.get("fields", ()), field.get("fields", ()), f"{column}.")


def _type(field: Field) -> str:
    kind = "object" if field["type"] == "RECORD" else str(field["type"]).lower()
    return f"array of {kind}" if field["mode"] == "REPEATED" else kind
