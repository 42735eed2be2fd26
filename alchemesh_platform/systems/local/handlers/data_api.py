"""A data API: a supervised server over tables."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import with_hint
from alchemesh_platform.documents.models import Identifier, Name
from alchemesh_platform.machine.directory import claim, holder_of, refused_claim
from alchemesh_platform.machine.released import released
from alchemesh_platform.machine.servers.ports import is_free, port_reserved
from alchemesh_platform.machine.servers.reservations import Reservation, held_by_another, release, reserve, reserved_for
from alchemesh_platform.provider.handler import Context, Handler
from alchemesh_platform.provider.inputs import Properties, Refusal
from alchemesh_platform.provider.paths import AbsolutePath
from alchemesh_platform.sdk.system.drift import Drift
from alchemesh_platform.systems.local.data_api import server as data_api
from alchemesh_platform.systems.local.data_api.gateway.consumers import read_entries, unreadable_entries
from alchemesh_platform.systems.local.data_api.gateway.gateway import LOOPBACK, Gateway
from alchemesh_platform.systems.local.data_api.programs import (
    Protocol,
    WithoutEnclosure,
    guard_of,
    unenclosed_hint,
    unenclosed_problem,
)
from alchemesh_platform.systems.local.data_api.server import START_TIMEOUT_SECONDS, own_credential_file
from alchemesh_platform.systems.local.data_api.serving.consumers.limits import Limits
from alchemesh_platform.systems.local.data_api.tables import ServedTable


def _address(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise ValueError(f"expected an IP address, found {text!r}") from error
    if address.is_unspecified:
        raise ValueError(f"expected the address that consumers reach, found {text}, which stands for all of them")
    return text


_SETTINGS = {"httpPort": "http_port", "postgresPort": "postgres_port"}  # property: the setting of the component
Port = Annotated[int, Field(ge=1, le=65535)]


class TableInputs(BaseModel):
    """A served table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Identifier = Field(description="Name that it is queried by.")
    url: str = Field(description="Folder of the table, as a URL or path.")
    format: Literal["delta", "iceberg", "parquet"] = Field(
        description="A Delta table, an Iceberg table, or a folder of Parquet files."
    )
    key: tuple[Identifier, ...] = Field(default=(), description="Columns that identify a row.")
    catalog: tuple[str, str, str] | None = Field(
        default=None, description="For Iceberg: address and name of the catalog, and the namespace of the table there."
    )


class DataApiInputs(Properties):
    """The declaration of a data API."""

    process: Name = Field(description="Name of the server, unique in the run folder, and of the database in SQL.")
    owner: str = Field(min_length=1, description="Address that the server belongs to.")
    run_directory: AbsolutePath = Field(description="Absolute path of the folder that the server runs in.")
    host: Annotated[str, AfterValidator(_address)] = Field(default=LOOPBACK, description="Address that it listens on.")
    http_port: Port | None = Field(default=None, description="Port of REST and GraphQL; a free one by default.")
    postgres_port: Port | None = Field(default=None, description="Port of SQL; a free one by default.")
    protocols: tuple[Protocol, ...] = Field(min_length=1, description="Protocols offered.")
    tables: tuple[TableInputs, ...] = Field(min_length=1, description="Served tables.")
    without_enclosure: WithoutEnclosure | None = Field(
        default=None,
        description="Why its server may run without an enclosure: the port is public, or the platform file allows it.",
    )
    limits: Limits | None = Field(default=None, description="Limits of consumers, and the size and lag of the copy.")
    postgresql: AbsolutePath | None = Field(
        default=None, description="Folder of PostgreSQL's programs; by default those that are installed."
    )
    postgresql_server: str | None = Field(
        default=None, description="Address of a managed PostgreSQL that holds the copy; by default it has its own."
    )
    start_timeout_seconds: float = Field(default=START_TIMEOUT_SECONDS, gt=0, description="How long a start may take.")


class DataApiOutputs(Properties):
    """The addresses of the data API."""

    http_port: int = Field(description="Port of REST and GraphQL; kept for them when neither is offered.")
    postgres_port: int | None = Field(description="Port of the PostgreSQL protocol, when it is offered.")
    endpoints: dict[str, str] = Field(description="Protocol offered (sql, rest, graphql): its address.")
    credential_file: str = Field(description="File of the product's own credential.")
    users_without_grant: tuple[str, ...] = Field(
        default=(),
        alias="letInByHand",  # the name of the property in the state of deployed stacks
        description="Users who have access without a grant.",
    )


class DataApiHandler(Handler[DataApiInputs, DataApiOutputs]):
    """A data API. Its creation ends once it is healthy; a refresh that finds it dead restarts it."""

    pulumi_type = "alchemesh:local:DataApi"
    summary = "A supervised server that serves tables over SQL, REST and GraphQL, and is restarted when it dies."
    inputs = DataApiInputs
    outputs = DataApiOutputs
    replace_on = frozenset({"process", "run_directory"})
    delete_before_replace = True  # two servers cannot listen on the same port
    refuses_secrets = True  # the server's configuration is plain text

    def identify(self, inputs: DataApiInputs) -> str:
        return str(Path(inputs.run_directory, inputs.process))

    def check(self, inputs: DataApiInputs, old_inputs: DataApiInputs | None, context: Context) -> Iterator[Refusal]:
        formerly = old_inputs.owner if old_inputs else None
        yield from refused_claim(_folder(inputs), inputs.owner, formerly, "process", environment=context.environment)
        yield from _refused_ports(inputs, context)
        if inputs.http_port is not None and inputs.http_port == inputs.postgres_port:
            yield Refusal("postgresPort", f"port {inputs.http_port} is given twice")
        if inputs.postgres_port is not None and "sql" not in inputs.protocols:
            yield Refusal("postgresPort", "SQL is not among the protocols")
        gateway = Gateway(Path(inputs.run_directory), inputs.process)
        problem = unenclosed_problem(inputs.without_enclosure, was_enclosed=data_api.is_enclosed(gateway))
        if problem is not None:
            yield Refusal("withoutEnclosure", f"{problem}; {unenclosed_hint(inputs.owner)}")
        for at, table in enumerate(inputs.tables):
            if "://" in table.url and not table.url.startswith("file://"):
                yield Refusal(
                    f"tables[{at}].url", f"{table.url} is not on this machine, and an enclosed server reaches no other"
                )
        names = [table.name for table in inputs.tables]
        for at, name in enumerate(names):
            if name in names[:at]:
                yield Refusal(f"tables[{at}].name", f"table {name} is declared twice")

    def plan(self, inputs: DataApiInputs, old: DataApiOutputs | None, context: Context) -> Mapping[str, Any]:
        offered = guard_of(inputs.protocols).protocols if isinstance(inputs.protocols, tuple) else ()
        known: dict[str, Any] = {"postgres_port": None} if offered and "sql" not in offered else {}
        http_port = inputs.http_port or (old.http_port if old else None)
        postgres_port = inputs.postgres_port or (old.postgres_port if old else None)
        if isinstance(inputs.run_directory, str) and isinstance(inputs.process, str):
            known["credential_file"] = str(own_credential_file(Path(inputs.run_directory), inputs.process))
            known["users_without_grant"] = old.users_without_grant if old else ()
        if not offered or not isinstance(inputs.host, str) or not isinstance(inputs.process, str):
            return known
        wanted = _wanted(inputs.model_copy(update={"run_directory": "/", "tables": (), "protocols": offered}), None)
        if isinstance(http_port, int):
            known["http_port"] = http_port
        if isinstance(postgres_port, int) and "sql" in offered:
            known["postgres_port"] = postgres_port
        if {"http_port", "postgres_port"} <= set(known):
            endpoints = data_api.endpoints_of(wanted, known["http_port"], known["postgres_port"])
            known["endpoints"] = endpoints.offered()
        return known

    def drift(self, inputs: DataApiInputs, outputs: DataApiOutputs, context: Context) -> Drift | None:
        if not isinstance(outputs.http_port, int):
            return Drift(
                f"where data API {inputs.owner} answers is not known: it is found out", "http_port", expected=True
            )
        wanted = _wanted(inputs, outputs)
        trouble = data_api.trouble(wanted, data_api.endpoints_of(wanted, outputs.http_port, outputs.postgres_port))
        if trouble:
            return Drift(f"data API {inputs.owner}: {trouble}; it is started again", "http_port")
        holder = holder_of(_folder(inputs))
        if holder is None or holder.environment is None:
            return Drift(
                f"data API {inputs.owner} does not name its environment; `up` marks it", "http_port", expected=True
            )
        return None

    def create(self, inputs: DataApiInputs, context: Context) -> DataApiOutputs:
        claim(_folder(inputs), inputs.owner, environment=context.environment)
        try:
            return self._apply(inputs, None, context)
        except Failure:
            # A failed creation is not recorded, so no process of it may continue to run.
            data_api.take_down(_wanted(inputs, None))
            raise

    def read(
        self, inputs: DataApiInputs, outputs: DataApiOutputs, context: Context
    ) -> tuple[DataApiInputs, DataApiOutputs] | None:
        holder = holder_of(_folder(inputs))
        ours = holder is None or (holder.owner == inputs.owner and holder.is_in(context.environment))
        if not ours or not data_api.is_configured(_wanted(inputs, outputs)):
            return None
        users = _without_grant(inputs, context)
        return inputs, outputs.model_copy(update={"users_without_grant": users})

    def update(
        self, inputs: DataApiInputs, old_inputs: DataApiInputs, outputs: DataApiOutputs, context: Context
    ) -> DataApiOutputs:
        claim(_folder(inputs), inputs.owner, environment=context.environment, formerly=old_inputs.owner)
        return self._apply(inputs, outputs, context)

    def delete(self, inputs: DataApiInputs, outputs: DataApiOutputs, context: Context) -> None:
        if not released(_folder(inputs), inputs.owner, context, unmarked=True):
            data_api.take_down(_wanted(inputs, outputs))
            release(inputs.owner, context.environment, forget=context.delete_data)

    def _apply(self, inputs: DataApiInputs, outputs: DataApiOutputs | None, context: Context) -> DataApiOutputs:
        for warning in guard_of(inputs.protocols).warnings:
            context.warn(f"data API {inputs.owner}: {warning}")
        api = _on_reserved_ports(_wanted(inputs, outputs), inputs.owner, context)
        endpoints = data_api.deploy_product(api, timeout_seconds=inputs.start_timeout_seconds, cancelled=context.stop)
        _reserve(inputs, endpoints, context)
        if (missing := data_api.unenforced(api)) is not None:
            context.warn(f"data API {inputs.owner}: {missing}")
        return DataApiOutputs(
            http_port=endpoints.http_port,
            postgres_port=endpoints.postgres_port,
            endpoints=endpoints.offered(),
            credential_file=endpoints.credential_file,
            users_without_grant=_without_grant(inputs, context),
        )


def _without_grant(inputs: DataApiInputs, context: Context) -> tuple[str, ...]:
    """Users who have access without a grant. The platform reports them and does not change them."""
    gateway = Gateway(Path(inputs.run_directory), inputs.process)
    for problem in unreadable_entries(gateway.folder):
        context.warn(f"data API {inputs.owner}: {problem}; it gives no access")
    found = tuple(entry.user for entry in read_entries(gateway.folder) if entry.by_hand)
    if found:
        context.warn(f"data API {inputs.owner}: users with access and without a grant: {', '.join(found)}")
    return found


def _refused_ports(inputs: DataApiInputs, context: Context) -> Iterator[Refusal]:
    """Requested ports that belong to a server of another product or environment."""
    for name, port, what in (
        ("httpPort", inputs.http_port, "HTTP"),
        ("postgresPort", inputs.postgres_port, "the PostgreSQL protocol"),
    ):
        holder = held_by_another(port, inputs.owner, context.environment) if port is not None else None
        if port is not None and holder is not None:
            refused = port_reserved(port, holder, what, _SETTINGS[name])
            yield Refusal(name, with_hint(refused.message, refused.hint))


def _on_reserved_ports(api: data_api.DataApi, owner: str, context: Context) -> data_api.DataApi:
    """The data API, on the ports that it had before it was removed if they are free."""
    had = {use: reserved_for(owner, context.environment, use) for use in _SETTINGS.values()}
    free = {use: port for use, port in had.items() if port is not None and is_free(api.host, port)}
    return replace(
        api,
        http_port=api.http_port or free.get("http_port"),
        postgres_port=api.postgres_port or (free.get("postgres_port") if "sql" in api.protocols else None),
    )


def _reserve(inputs: DataApiInputs, endpoints: data_api.Endpoints, context: Context) -> None:
    """Reserve the ports of a running data API."""
    for use, port in (("http_port", endpoints.http_port), ("postgres_port", endpoints.postgres_port)):
        if port is not None:
            other = reserve(Reservation(port, inputs.owner, context.environment, use))
            if other is not None:
                context.warn(
                    f"data API {inputs.owner}: port {port} belongs to {other}, which cannot start while it runs"
                )


def _folder(inputs: DataApiInputs) -> Path:
    """The folder that has the owner's mark: that of the gateway."""
    return Gateway(Path(inputs.run_directory), inputs.process).folder


def _wanted(inputs: DataApiInputs, outputs: DataApiOutputs | None) -> data_api.DataApi:
    """The declared data API. Ports stay the same once they are chosen."""
    return data_api.DataApi(
        process=inputs.process,
        run_directory=Path(inputs.run_directory),
        tables=tuple(
            ServedTable(table.name, table.url, table.format, table.key, table.catalog) for table in inputs.tables
        ),
        owner=inputs.owner,
        without_enclosure=inputs.without_enclosure,
        limits=inputs.limits or Limits(),
        postgresql=inputs.postgresql,
        postgresql_server=inputs.postgresql_server,
        protocols=inputs.protocols,
        host=inputs.host,
        http_port=inputs.http_port or (outputs.http_port if outputs else None),
        postgres_port=inputs.postgres_port or (outputs.postgres_port if outputs else None),
    )
