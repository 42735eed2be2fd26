"""A record of every kind."""

from __future__ import annotations

from datetime import UTC, datetime

from alchemesh_platform.registry.records import (
    AccessRequestRecord,
    AssetRecord,
    ContractRecord,
    ContractVersionRecord,
    CredentialRecord,
    DomainRecord,
    FoundationRecord,
    GrantRecord,
    HoldingRecord,
    LineageRecord,
    MaintenanceRecord,
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
        MaintenanceRecord(
            environment=environment,
            address=f"{port}#maintenance@2026-03-01T12:00",
            product="aviation/flights",
            port=port,
            starts_at=now,
            ends_at=now,
            announced_at=now,
            announced_by="amelia@airport.example",
        ),
        CredentialRecord(
            environment=environment,
            address="req-0a1b2c3d/orville_0a1b2c3d/orville@airport.example",
            product="aviation/flights",
            port=port,
            request="req-0a1b2c3d",
            holder="orville@airport.example",
            user="orville_0a1b2c3d",
            issued_at=now,
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
