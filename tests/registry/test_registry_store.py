"""Records and their history, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from alchemesh_platform.registry.records import (
    AccessRequestRecord,
    AssetRecord,
    ContractRecord,
    ContractVersionRecord,
    DomainRecord,
    FoundationRecord,
    GrantRecord,
    HoldingRecord,
    LineageRecord,
    ManifestRecord,
    NoticeRecord,
    PolicyRecord,
    PortRecord,
    ProductRecord,
    Record,
    RequestStep,
    SourceSystemRecord,
    TeamRecord,
    UserRecord,
    ValueScoreRecord,
)
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.registry.tables import TABLES
from alchemesh_platform.registry.writes import Key


@pytest.fixture(scope="module")
def registry(registry_url: str) -> Iterator[Registry]:
    with Registry.open(registry_url) as opened:
        yield opened


def asset(environment: str, model: str = "flight", **definition: object) -> AssetRecord:
    return AssetRecord(
        environment=environment,
        address=f"aviation/flights/flights-table/{model}",
        product="aviation/flights",
        port="aviation/flights/flights-table",
        model=model,
        definition=definition,
    )


def one_of_each(environment: str) -> list[Record]:
    return [
        ProductRecord(
            environment=environment,
            address="aviation/flights",
            team="flight-data",
            owner="amelia@airport.example",
            version="1.2.0",
            lifecycle="stable",
            description="Every departure — naïve, ✈, and a NUL: \0",
            source_systems=("dispatch",),
            code={"component": "local-python", "connection": {"kind": "job", "entrypoint": "flights.clean:main"}},
            needs={"workspace": {"component": "local-directory"}},
        ),
        PortRecord(
            environment=environment,
            address="aviation/flights/flights-table",
            product="aviation/flights",
            direction="output",
            storage="delta-table",
            storage_type="columnar-table",
            models=("flight", "airport"),
            connections={"storage": None, "proxy": None},
        ),
        PortRecord(
            environment=environment,
            address="aviation/flights/departures",
            product="aviation/flights",
            direction="input",
            origin="aviation/dispatch",
        ),
        asset(environment, z_first={"type": "string"}, a_second={"type": "integer", "enum": [1, 2.5, None]}),
        ContractRecord(
            environment=environment,
            address="aviation/flights/flights-table",
            product="aviation/flights",
            version="2.0.0",
            lifecycle="active",
            access="restricted",
            document={"terms": {"notice_period": "90d"}},
        ),
        HoldingRecord(
            environment=environment,
            address="aviation/flights#gcp:storage/bucket:Bucket::workspace-bucket",
            product="aviation/flights",
            type="gcp:storage/bucket:Bucket",
            name="workspace-bucket",
            id="acme-workspace",
        ),
        LineageRecord(
            environment=environment,
            address="aviation/dispatch -> aviation/flights/departures",
            product="aviation/flights",
            source="aviation/dispatch",
            source_kind="source_system",
            target="aviation/flights/departures",
        ),
    ]


def mesh_of_each(environment: str) -> list[Record]:
    return [
        DomainRecord(
            environment=environment,
            address="aviation",
            type="source_aligned",
            owner="amelia@airport.example",
            description="What happens on the airports.",
        ),
        FoundationRecord(
            environment=environment,
            address="mesh_domain.aviation",
            component="gcp-domain",
            outputs={"labels": {"budget": "prod--aviation"}},
        ),
        TeamRecord(
            environment=environment,
            address="aviation/flight-data",
            domain="aviation",
            name="flight-data",
            team_kind="data_product_team",
            members=("amelia@airport.example",),
        ),
        SourceSystemRecord(
            environment=environment,
            address="aviation/dispatch",
            domain="aviation",
            name="dispatch",
            technology="Oracle",
            contact="extension 204",
        ),
        UserRecord(
            environment=environment,
            address="amelia@airport.example",
            name="Amelia",
            personas=("data_product_owner", "platform_owner"),
        ),
    ]


def promises_of_each(environment: str) -> list[Record]:
    now, port = datetime(2026, 3, 1, 9, 30, tzinfo=UTC), "aviation/flights/flights-table"
    return [
        PolicyRecord(
            environment=environment,
            address="stable-needs-owner",
            owner="mesh-governance",
            effect="warn",
            document={"when": "product.lifecycle == 'stable'"},
        ),
        ValueScoreRecord(
            environment=environment, address="aviation/flights", product="aviation/flights", value=90, policies="0a1b"
        ),
        ManifestRecord(environment=environment, address="aviation/flights", root="/repo", document="{}"),
        ContractVersionRecord(
            environment=environment,
            address=f"{port}@2.0.0",
            product="aviation/flights",
            port=port,
            version="2.0.0",
            lifecycle="active",
            access="restricted",
            document={"version": "2.0.0"},
            models={"flight": {"properties": {}}},
            protocols=("sql", "rest"),
        ),
        NoticeRecord(
            environment=environment,
            address=f"{port}#removal@2.0.0",
            product="aviation/flights",
            port=port,
            what="removal",
            version="2.0.0",
            given_at=now,
            period_seconds=86400.0,
            given_by="amelia@airport.example",
        ),
        AccessRequestRecord(
            environment=environment,
            address="req-0a1b2c3d",
            product="aviation/flights",
            port=port,
            requester_kind="data_product",
            requester="operations/punctuality",
            purpose="How punctual is each carrier?",
            ends_at=now,
            state="granted",
            steps=(RequestStep(state="requested", at=now, by="orville@airport.example"),),
        ),
        GrantRecord(
            environment=environment,
            address="req-0a1b2c3d",
            product="aviation/flights",
            port=port,
            requester_kind="data_product",
            requester="operations/punctuality",
            principals=("operations-punctuality",),
        ),
    ]


def test_every_kind_of_record_comes_back_as_it_was_put(registry: Registry, environment: str) -> None:
    records = [*one_of_each(environment), *mesh_of_each(environment), *promises_of_each(environment)]
    assert {type(record) for record in records} == set(TABLES)

    for record in records:
        assert registry.put(record) == "created"

    for record in records:
        assert registry.get(type(record), environment, record.address) == record


def test_order_of_properties_is_kept(registry: Registry, environment: str) -> None:
    registry.put(asset(environment, zulu=1, alpha=2, mike=3))

    found = registry.get(AssetRecord, environment, "aviation/flights/flights-table/flight")
    assert found is not None
    assert list(found.definition) == ["zulu", "alpha", "mike"]


def test_same_record_again_changes_nothing_and_leaves_no_history(registry: Registry, environment: str) -> None:
    for record in one_of_each(environment):
        registry.put(record)
    before = registry.history(environment)

    assert [registry.put(record) for record in one_of_each(environment)] == ["unchanged"] * 7
    assert registry.history(environment) == before


def test_history_tells_every_change_newest_first(registry: Registry, environment: str) -> None:
    started = datetime.now(UTC)
    registry.put(asset(environment, version=1))
    registry.put(asset(environment, version=2))
    assert registry.remove(AssetRecord, environment, "aviation/flights/flights-table/flight")

    history = registry.history(environment, address="aviation/flights/flights-table/flight")

    assert [(line.change, line.document["definition"]) for line in history] == [
        ("removed", {"version": 2}),
        ("updated", {"version": 2}),
        ("created", {"version": 1}),
    ]
    assert all(started <= line.at <= datetime.now(UTC) for line in history)
    assert [line.kind for line in history] == ["asset"] * 3
    assert registry.history(environment, limit=1) == history[:1]


def test_history_of_a_product_outlives_it_and_holds_its_parts(registry: Registry, environment: str) -> None:
    for record in one_of_each(environment):
        registry.put(record)
    for record in one_of_each(environment):
        registry.remove(type(record), environment, record.address)

    assert registry.all(ProductRecord, environment) == []
    history = registry.history(environment, product="aviation/flights")
    assert [line.change for line in history] == ["removed"] * 7 + ["created"] * 7
    assert registry.history(environment, product="aviation/other") == []


def test_removing_what_is_not_there_says_so_and_leaves_no_history(registry: Registry, environment: str) -> None:
    assert not registry.remove(ProductRecord, environment, "aviation/flights")
    assert registry.history(environment) == []


def test_what_is_not_recorded_is_none(registry: Registry, environment: str) -> None:
    assert registry.get(ProductRecord, environment, "aviation/flights") is None


def test_all_gives_one_environment_or_product_in_order_of_address(registry: Registry, environment: str) -> None:
    # Databases sort text each in its own way; these four come in another order under most of them.
    for model in ("b", "a_b", "a", "ab"):
        registry.put(asset(environment, model))
    other = asset(environment, "elsewhere").model_copy(
        update={"product": "aviation/other", "address": "aviation/other/port/elsewhere"}
    )
    registry.put(other)
    registry.put(asset(f"{environment}-too"))

    prefix = "aviation/flights/flights-table/"
    found = registry.all(AssetRecord, environment, "aviation/flights")
    assert [record.address for record in found] == [prefix + model for model in ("a", "a_b", "ab", "b")]
    assert registry.all(AssetRecord, environment, "aviation/other") == [other]
    assert len(registry.all(AssetRecord, environment)) == 5
    assert len(registry.all(AssetRecord, f"{environment}-too")) == 1


def test_records_are_found_by_their_columns(registry: Registry, environment: str) -> None:
    for number in range(5):
        registry.put(asset(environment, f"m{number}"))
    other = asset(environment, "m1").model_copy(
        update={"product": "aviation/other", "port": "aviation/other/port", "address": "aviation/other/port/m1"}
    )
    registry.put(other)

    def found(limit: int | None = None, **where: str | list[str]) -> list[str]:
        return [record.address for record in registry.all(AssetRecord, environment, where=where, limit=limit)]

    assert found(model="m1", port="aviation/other/port") == ["aviation/other/port/m1"]
    assert found(model=["m1", "m4", "nothing"]) == [f"aviation/flights/flights-table/{m}" for m in ("m1", "m4")] + [
        "aviation/other/port/m1"
    ]
    assert found(model=[]) == []
    assert found(limit=2) == [f"aviation/flights/flights-table/{m}" for m in ("m0", "m1")]


def test_products_are_found_by_their_own_address(registry: Registry, environment: str) -> None:
    product = one_of_each(environment)[0]
    registry.put(product)

    assert registry.all(ProductRecord, environment, "aviation/flights") == [product]
    assert registry.all(ProductRecord, environment, "aviation/fl") == []


def test_several_are_written_together_and_told_in_the_order_given(registry: Registry, environment: str) -> None:
    registry.put(asset(environment, "old"))
    registry.put(asset(environment, "same"))
    registry.put(asset(environment, "changed", version=1))

    outcomes = registry.write(
        [asset(environment, "same"), asset(environment, "new"), asset(environment, "changed", version=2)],
        removals=[Key(AssetRecord, environment, "aviation/flights/flights-table/old")],
    )

    assert outcomes == ["unchanged", "created", "updated"]
    assert [record.model for record in registry.all(AssetRecord, environment)] == ["changed", "new", "same"]


def test_several_of_a_kind_may_share_a_name_with_each_other_and_with_what_goes(
    registry: Registry, environment: str
) -> None:
    gone = Key(AssetRecord, environment, "aviation/flights/flights-table/gone")
    outcomes = registry.write(
        [
            asset(environment, "twice", version=1),
            asset(environment, "once"),
            asset(environment, "twice", version=2),
            asset(environment, "gone"),
        ],
        removals=[gone],
    )

    assert outcomes == ["created", "created", "updated", "created"]
    assert {record.model for record in registry.all(AssetRecord, environment)} == {"gone", "once", "twice"}
    assert registry.get(AssetRecord, environment, "aviation/flights/flights-table/twice") == asset(
        environment, "twice", version=2
    )
    told = [(line.address.rpartition("/")[2], line.change) for line in reversed(registry.history(environment))]
    assert sorted(told) == [("gone", "created"), ("once", "created"), ("twice", "created"), ("twice", "updated")]


def test_many_are_written_and_those_that_stand_already_are_left_alone(registry: Registry, environment: str) -> None:
    many = [asset(environment, f"model{number}") for number in range(1500)]
    registry.put(many[700])

    outcomes = registry.write(many)

    assert outcomes[700] == "unchanged"
    assert outcomes.count("created") == len(many) - 1
    assert len(registry.all(AssetRecord, environment)) == len(registry.history(environment)) == len(many)
    assert set(registry.write(many)) == {"unchanged"}


def test_several_are_written_all_or_none(registry: Registry, environment: str) -> None:
    class Stranger(Record):
        kind = "zz-unknown"

    stranger = Stranger(environment=environment, address="a/b")
    with pytest.raises(KeyError):
        registry.write([asset(environment), stranger])

    assert registry.all(AssetRecord, environment) == []
    assert registry.history(environment) == []


def test_transaction_holds_together_what_is_done_in_it(registry: Registry, environment: str) -> None:
    with registry.transaction("a lock") as standing:
        standing.put(asset(environment, "one"))
        begun = standing.start_deployment(environment, "aviation/flights", "up", "amelia@laptop")
        standing.finish_deployment(begun.id, "succeeded")
        assert [record.model for record in standing.all(AssetRecord, environment)] == ["one"]
        with standing.transaction("another lock") as inner:
            assert inner.remove(AssetRecord, environment, "aviation/flights/flights-table/one")

    assert registry.all(AssetRecord, environment) == []
    assert [line.change for line in registry.history(environment)] == ["removed", "created"]
    assert [act.outcome for act in registry.deployments(environment=environment)] == ["succeeded"]


def test_transaction_that_fails_leaves_nothing(registry: Registry, environment: str) -> None:
    with pytest.raises(ZeroDivisionError), registry.transaction("a lock") as standing:
        standing.put(asset(environment))
        standing.start_deployment(environment, "aviation/flights", "up", "amelia@laptop")
        raise ZeroDivisionError

    assert registry.all(AssetRecord, environment) == []
    assert registry.history(environment) == []
    assert registry.deployments(environment=environment) == []


def test_deployment_is_begun_and_finished(registry: Registry, environment: str) -> None:
    begun = registry.start_deployment(environment, "aviation/flights", "up", "amelia@laptop", version="1.2.0")

    assert begun.outcome == "running"
    assert registry.deployments("aviation/flights", environment) == [begun]

    ended = registry.finish_deployment(
        begun.id, "failed", changes={"create": 9}, problem="port taken", exit_status=3, output="half a \0 line"
    )

    assert ended.finished_at is not None
    assert ended.finished_at >= begun.started_at
    assert ended == begun.model_copy(
        update={
            "finished_at": ended.finished_at,
            "outcome": "failed",
            "changes": {"create": 9},
            "problem": "port taken",
            "exit_status": 3,
            "output": "half a \0 line",
        }
    )
    assert registry.deployments(environment=environment) == [ended]


def test_first_word_on_how_a_deployment_ended_stands(registry: Registry, environment: str) -> None:
    begun = registry.start_deployment(environment, "aviation/flights", "up", "amelia@laptop")
    first = registry.finish_deployment(begun.id, "cancelled")

    assert registry.finish_deployment(begun.id, "failed", problem="engine gone") == first


def test_finishing_what_was_never_begun_is_an_error(registry: Registry) -> None:
    with pytest.raises(LookupError, match="no deployment 'nothing'"):
        registry.finish_deployment("nothing", "succeeded")


def test_deployments_come_newest_first_by_product_and_operation(registry: Registry, environment: str) -> None:
    first = registry.start_deployment(environment, "aviation/flights", "up", "amelia@laptop")
    run = registry.start_deployment(environment, "aviation/flights", "run", "amelia@laptop")
    last = registry.start_deployment(environment, "aviation/flights", "destroy", "amelia@laptop")
    other = registry.start_deployment(environment, "insight/punctuality", "up", "wilbur@laptop")

    assert registry.deployments("aviation/flights", environment) == [last, run, first]
    assert registry.deployments("aviation/flights", environment, limit=1) == [last]
    assert registry.deployments("aviation/flights", environment, operations=["run"]) == [run]
    assert registry.last_deployments(environment, ["up", "destroy"]) == {
        "aviation/flights": last,
        "insight/punctuality": other,
    }
    assert registry.last_deployments(environment, ["refresh"]) == {}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE changes SET document = '{}'",
        "DELETE FROM changes",
        "DELETE FROM deployments",
        "UPDATE deployments SET outcome = 'succeeded' WHERE outcome = 'failed'",
    ],
)
def test_database_itself_refuses_to_change_history(
    registry: Registry, registry_url: str, environment: str, statement: str
) -> None:
    registry.put(asset(environment))
    registry.finish_deployment(registry.start_deployment(environment, "aviation/flights", "up", "me@here").id, "failed")
    changes, deployments = registry.history(environment), registry.deployments(environment=environment)

    with pytest.raises(DBAPIError, match=r"append-only|is history"):
        execute(registry_url, statement)

    assert registry.history(environment) == changes
    assert registry.deployments(environment=environment) == deployments


def test_postgresql_refuses_to_empty_the_history(registry: Registry, registry_url: str) -> None:
    if registry_url.startswith("sqlite"):  # which knows no TRUNCATE: there DELETE is the one way, and refused above
        statements = ["TRUNCATE changes"]
    else:
        statements = ["TRUNCATE changes", "TRUNCATE deployments"]
    for statement in statements:
        with pytest.raises(DBAPIError, match=r"append-only|syntax error"):
            execute(registry_url, statement)


def execute(url: str, statement: str) -> None:
    engine = create_engine(make_url(url.replace("postgresql:", "postgresql+psycopg:")))
    try:
        with engine.begin() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()
