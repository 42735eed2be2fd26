"""Datasets, tables, views and access: the real engine, the stand-in, and local-bigquery."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_gcp as gcp
import pytest

from .harness import PROJECT, Bench

pytestmark = [pytest.mark.engine, pytest.mark.slow]

ID = {"name": "flight_id", "type": "STRING", "mode": "REQUIRED", "description": "Carrier, number and departure"}
DELAY = {"name": "delay", "type": "FLOAT", "mode": "NULLABLE"}
DEPARTED = {"name": "departed_at", "type": "TIMESTAMP"}
GATE = {"name": "gate", "type": "STRING"}


@pytest.fixture
def dataset(request: pytest.FixtureRequest) -> str:
    """A dataset of this test alone: the emulator is shared."""
    return request.node.name.partition("[")[0]


def program(dataset: str, *fields: dict[str, Any], **arguments: Any) -> Callable[[], gcp.bigquery.Table]:
    """A program with a dataset and a table in it."""
    arguments.setdefault("deletion_protection", False)

    def declare() -> gcp.bigquery.Table:
        made = gcp.bigquery.Dataset("set", dataset_id=dataset, location="europe-west1", delete_contents_on_destroy=True)
        return gcp.bigquery.Table(
            "flight", dataset_id=made.dataset_id, table_id="flight", schema=json.dumps(fields), **arguments
        )

    return declare


def test_a_table_is_created_evolved_and_deleted(bench: Bench, dataset: str) -> None:
    partitioned = {"type": "DAY", "field": "departed_at"}
    first = program(dataset, ID, DELAY, DEPARTED, time_partitioning=partitioned, clusterings=["flight_id"])
    assert bench.done("preview", first) == {"create": 2}
    assert bench.done("up", first) == {"create": 2}
    service = bench.world.bigquery()
    found = service.table(PROJECT, dataset, "flight")
    assert found is not None
    assert found["timePartitioning"]["field"] == "departed_at"
    assert found["clustering"] == {"fields": ["flight_id"]}
    assert found["schema"]["fields"][0] == ID
    service.query(PROJECT, f"INSERT INTO {dataset}.flight (flight_id, delay) VALUES ('UA1', 3.5)")
    assert bench.done("up", first) == {"same": 2}
    assert bench.done("refresh") == {"refresh": 2}
    assert bench.done("up", first) == {"same": 2}

    optional = {**ID, "mode": "NULLABLE", "description": "Anew"}
    second = program(
        dataset,
        optional,
        DELAY,
        DEPARTED,
        GATE,
        time_partitioning=partitioned,
        clusterings=["flight_id"],
        description="Flights",
        labels={"domain": "aviation"},
    )
    assert bench.done("up", second) == {"same": 1, "update": 1}
    rows = service.query(PROJECT, f"SELECT flight_id, delay, gate FROM {dataset}.flight")
    assert rows == [["UA1", "3.5", None]]
    found = service.table(PROJECT, dataset, "flight")
    assert found is not None
    assert found["labels"] == {"domain": "aviation"}
    assert [field["name"] for field in found["schema"]["fields"]] == ["flight_id", "delay", "departed_at", "gate"]

    assert bench.done("destroy") == {"delete": 2}
    assert service.dataset(PROJECT, dataset) is None


def test_the_stand_in_replaces_a_table_for_the_same_changes_as_bigquery(bench: Bench, dataset: str) -> None:
    bench.done("up", program(dataset, ID, DELAY))
    for op, *fields in (
        ("update", ID, DELAY, GATE),
        ("update", ID),
        ("update", ID, {**DELAY, "type": "FLOAT64"}, {**GATE, "type": "STRING"}),
        ("replace", ID, GATE),
        ("replace", ID, {**DELAY, "type": "STRING"}),
        ("replace", ID, {**DELAY, "mode": "REQUIRED"}),
        ("replace", ID, DELAY, {**GATE, "mode": "REQUIRED"}),
    ):
        bench.done("preview", program(dataset, *fields))
        assert op in [event.op for event in bench.pre("flight")], fields


def test_a_dropped_column_is_removed_in_place(bench: Bench, dataset: str) -> None:
    bench.done("up", program(dataset, ID, DELAY, GATE))
    service = bench.world.bigquery()
    service.query(PROJECT, f"INSERT INTO {dataset}.flight (flight_id, gate) VALUES ('UA1', 'B7')")
    assert bench.done("up", program(dataset, ID, DELAY)) == {"same": 1, "update": 1}
    assert service.query(PROJECT, f"SELECT * FROM {dataset}.flight") == [["UA1", None]]


def test_a_protected_table_is_neither_replaced_nor_deleted(bench: Bench, dataset: str) -> None:
    bench.done("up", program(dataset, ID, DELAY, deletion_protection=True))
    changed = program(dataset, ID, {**DELAY, "type": "STRING"}, deletion_protection=True)
    assert "deletionprotection is true" in bench.refused("up", changed)
    assert "deletionprotection is true" in bench.refused("destroy", changed)
    assert bench.world.bigquery().table(PROJECT, dataset, "flight") is not None


def test_a_table_that_does_not_name_its_datasets_key_is_replaced(bench: Bench, dataset: str) -> None:
    """The provider compares the key of the table with a program without one."""
    ring = f"projects/{PROJECT}/locations/europe-west1/keyRings/mesh/cryptoKeys"

    def declare(**key: Any) -> Callable[[], None]:
        def declared() -> None:
            made = gcp.bigquery.Dataset(
                "set",
                dataset_id=dataset,
                location="europe-west1",
                default_encryption_configuration={"kms_key_name": f"{ring}/one"},
                delete_contents_on_destroy=True,
            )
            gcp.bigquery.Table(
                "flight",
                dataset_id=made.dataset_id,
                table_id="flight",
                schema=json.dumps([ID]),
                deletion_protection=False,
                **key,
            )

        return declared

    bench.done("up", declare())
    bench.done("refresh")
    bench.done("preview", declare())
    assert "replace" in [event.op for event in bench.pre("flight")]
    bench.done("up", declare(encryption_configuration={"kms_key_name": f"{ring}/one"}))
    bench.done("refresh")
    assert bench.done("up", declare(encryption_configuration={"kms_key_name": f"{ring}/one"})) == {"same": 2}
    other = declare(encryption_configuration={"kms_key_name": f"{ring}/two"})
    assert bench.done("up", other) == {"same": 1, "update": 1}


def test_rows_never_expire_only_where_the_program_says_so(bench: Bench, dataset: str) -> None:
    """The provider keeps an expiration that the program does not name."""

    def kept(**expiration: int) -> str | None:
        partitioned = {"type": "DAY", "field": "departed_at", **expiration}
        bench.done("up", program(dataset, ID, DEPARTED, time_partitioning=partitioned))
        found = bench.world.bigquery().table(PROJECT, dataset, "flight")
        assert found is not None
        expires: str | None = found["timePartitioning"].get("expirationMs")
        return expires

    assert kept() is None
    assert kept(expiration_ms=86_400_000) == "86400000"
    assert kept() == "86400000"
    assert kept(expiration_ms=86_400_000) == "86400000"
    assert kept(expiration_ms=0) is None


@pytest.mark.parametrize(
    ("fields", "arguments", "said"),
    [
        (({**ID, "type": "UUID"},), {}, "found type 'UUID' of column 'flight_id', expected one of"),
        (({**ID, "mode": "OPTIONAL"},), {}, "found mode 'OPTIONAL' of column 'flight_id'"),
        (({**ID, "name": "flight id!"},), {}, "found the column 'flight id!', expected 1 to 300 letters"),
        (({**ID, "name": "_PARTITIONTIME"},), {}, "no prefix of BigQuery's own"),
        ((ID, {**ID, "name": "FLIGHT_ID"}), {}, "found the column 'FLIGHT_ID' twice"),
        (({**ID, "description": "x" * 1025},), {}, "is longer than 1024 characters"),
        (({"name": "parts", "type": "RECORD"},), {}, "a record has fields"),
        ((ID,), {"time_partitioning": {"type": "DAY", "field": "departed_at"}}, "expected a column of the schema"),
        ((ID,), {"time_partitioning": {"type": "DAY", "field": "flight_id"}}, "found a column of type STRING"),
        ((ID,), {"time_partitioning": {"type": "WEEK"}}, "found 'WEEK', expected one of HOUR"),
        ((ID,), {"clusterings": ["gate"]}, "found 'gate', expected a column of the schema"),
        ((ID,), {"clusterings": list("abcde")}, "found 5 columns, expected at most 4"),
    ],
)
def test_a_table_that_bigquery_would_refuse_is_refused(
    previewing: Bench, dataset: str, fields: tuple[dict[str, Any], ...], arguments: dict[str, Any], said: str
) -> None:
    assert said in previewing.refused("preview", program(dataset, *fields, **arguments))


def test_an_authorised_view_is_read_by_its_granted_members_only(bench: Bench, dataset: str) -> None:
    shown = f"{dataset}_shown"

    def declare() -> None:
        table = program(dataset, ID, DELAY)()
        view_set = gcp.bigquery.Dataset(
            "shown", dataset_id=shown, location="europe-west1", delete_contents_on_destroy=True
        )
        view = gcp.bigquery.Table(
            "view",
            dataset_id=view_set.dataset_id,
            table_id="flight",
            deletion_protection=False,
            view={
                "query": table.table_id.apply(lambda name: f"SELECT flight_id FROM `{PROJECT}.{dataset}.{name}`"),
                "use_legacy_sql": False,
            },
        )
        gcp.bigquery.DatasetAccess(
            "authorised",
            dataset_id=table.dataset_id,
            view={"project_id": PROJECT, "dataset_id": view.dataset_id, "table_id": view.table_id},
        )
        account = gcp.serviceaccount.Account("consumer", account_id="punctuality-code")
        gcp.bigquery.DatasetIamMember(
            "reader", dataset_id=view_set.dataset_id, role="roles/bigquery.dataViewer", member=account.member
        )

    assert bench.done("up", declare) == {"create": 7}
    service = bench.world.bigquery()
    service.query(PROJECT, f"INSERT INTO {dataset}.flight (flight_id) VALUES ('UA1')")
    assert service.query(PROJECT, f"SELECT * FROM {shown}.flight") == [["UA1"]]
    granted = service.dataset(PROJECT, dataset)
    assert granted is not None
    authorised = {"view": {"projectId": PROJECT, "datasetId": shown, "tableId": "flight"}}
    assert authorised in granted["access"]
    assert bench.done("up", declare) == {"same": 7}

    service.change_dataset(PROJECT, dataset, {"access": [e for e in granted["access"] if e != authorised]})
    bench.done("refresh")
    assert bench.done("up", declare) == {"same": 6, "create": 1}
    bench.done("destroy")


def test_a_change_of_a_dataset_leaves_its_list_of_access_alone(bench: Bench, dataset: str) -> None:
    """Versions of the provider before 9.35 sent the list of the dataset's creation, and so revoked all later access."""
    by_hand = {"role": "READER", "userByEmail": "auditor@airport.example"}
    view = {"projectId": "another-project", "datasetId": "shown", "tableId": "flight"}
    bound = {"title": "r-1", "expression": 'request.time < timestamp("2030-01-01T00:00:00Z")'}

    def declare(**change: Any) -> Callable[[], None]:
        def declared() -> None:
            made = gcp.bigquery.Dataset(
                "set", dataset_id=dataset, location="EU", delete_contents_on_destroy=True, **change
            )
            gcp.bigquery.DatasetAccess(
                "code", dataset_id=made.dataset_id, role="WRITER", user_by_email="code@airport.example"
            )
            gcp.bigquery.DatasetAccess(
                "view",
                dataset_id=made.dataset_id,
                view={"project_id": "another-project", "dataset_id": "shown", "table_id": "flight"},
            )
            gcp.bigquery.DatasetIamMember(
                "grant",
                dataset_id=made.dataset_id,
                role="roles/bigquery.dataViewer",
                member="user:amelia@airport.example",
                condition=bound,
            )

        return declared

    def listed() -> list[Any]:
        found = bench.world.bigquery().dataset(PROJECT, dataset)
        assert found is not None
        return list(found["access"])

    bench.done("up", declare())
    bench.world.bigquery().change_dataset(PROJECT, dataset, {"access": [*listed(), by_hand]})
    before = listed()
    assert {"role": "READER", "userByEmail": "amelia@airport.example", "condition": bound} in before
    assert {"view": view} in before
    assert bench.done("up", declare(labels={"cost": "data"}, description="Anew")) == {"same": 3, "update": 1}
    assert listed() == before
    assert bench.done("refresh") == {"refresh": 4}
    assert bench.done("up", declare(labels={"cost": "data"}, description="Anew")) == {"same": 4}


def test_access_entries_of_one_member_and_role_conflict_unless_they_are_bindings(bench: Bench, dataset: str) -> None:
    """The provider finds an entry of a dataset's list by role and member alone."""
    until = 'request.time < timestamp("2030-01-01T00:00:00Z")'

    def declare(*titles: str, kind: type[pulumi.CustomResource], **who: str) -> Callable[[], None]:
        def declared() -> None:
            made = gcp.bigquery.Dataset("set", dataset_id=dataset, location="EU", delete_contents_on_destroy=True)
            for at, title in enumerate(titles):
                kind(f"grant-{at}", dataset_id=made.dataset_id, condition={"title": title, "expression": until}, **who)

        return declared

    access = {"kind": gcp.bigquery.DatasetAccess, "role": "READER", "user_by_email": "amelia@airport.example"}
    bench.done("up", declare("r-1", **access))
    for second in (declare("r-1", "r-2", **access), declare("r-2", **access)):
        assert "existing object already found" in bench.refused("up", second)
    bench.done("up", declare(**access))

    grant = {
        "kind": gcp.bigquery.DatasetIamMember,
        "role": "roles/bigquery.dataViewer",
        "member": "user:amelia@airport.example",
    }
    assert bench.done("up", declare("r-1", **grant)) == {"same": 1, "create": 1}
    assert bench.done("up", declare("r-1", "r-2", **grant)) == {"same": 2, "create": 1}
    assert "replace" in bench.done("up", declare("r-1", "r-3", **grant))
    assert bench.done("up", declare("r-1", **grant)) == {"same": 2, "delete": 1}
    found = bench.world.bigquery().dataset(PROJECT, dataset)
    assert found is not None
    assert [entry["condition"]["title"] for entry in found["access"] if "condition" in entry] == ["r-1"]


def test_authorising_a_missing_view_fails(bench: Bench, dataset: str) -> None:
    def declare() -> None:
        table = program(dataset, ID)()
        gcp.bigquery.DatasetAccess(
            "authorised",
            dataset_id=table.dataset_id,
            view={"project_id": PROJECT, "dataset_id": "nowhere", "table_id": "flight"},
        )

    said = bench.refused("up", declare)
    assert "Error 404: Not found: view projects/acme-mesh/datasets/nowhere/tables/flight" in said


def test_a_refresh_finds_manual_changes_and_removals(bench: Bench, dataset: str) -> None:
    first = program(dataset, ID, DELAY, description="Flights")
    bench.done("up", first)
    service = bench.world.bigquery()
    service.change_table(PROJECT, dataset, "flight", {"description": "By hand"})
    service.query(PROJECT, f"ALTER TABLE {dataset}.flight ADD COLUMN by_hand STRING")
    bench.done("refresh")
    assert bench.done("up", first) == {"same": 1, "update": 1}
    assert bench.changed("flight") == {"description": "update", "schema": "update"}
    found = service.table(PROJECT, dataset, "flight")
    assert found is not None
    assert found["description"] == "Flights"
    assert [field["name"] for field in found["schema"]["fields"]] == ["flight_id", "delay"]

    service.remove_table(PROJECT, dataset, "flight")
    bench.done("refresh")
    assert bench.done("up", first) == {"same": 1, "create": 1}
    service.remove_dataset(PROJECT, dataset, with_tables=True)
    bench.done("refresh")
    assert bench.done("up", first) == {"create": 2}


def test_a_dataset_with_tables_is_deleted_only_when_allowed(bench: Bench, dataset: str) -> None:
    bench.done("up", lambda: gcp.bigquery.Dataset("set", dataset_id=dataset, location="EU"))
    bench.world.bigquery().query(PROJECT, f"CREATE TABLE {dataset}.by_hand (a STRING)")
    assert "it has tables" in bench.refused("destroy", lambda: None)
    may_go = {"dataset_id": dataset, "location": "EU", "delete_contents_on_destroy": True}
    bench.done("up", lambda: gcp.bigquery.Dataset("set", **may_go))
    assert bench.done("destroy") == {"delete": 1}
