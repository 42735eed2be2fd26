"""Resources of the embedded local platform: folders, tables, ingestions, servers and jobs of one machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pulumi
from pulumi import Input, Output

from alchemesh_platform.sdk.resource import PlatformResource


class Directory(PlatformResource):
    """A folder that belongs to one owner and is kept when the resource goes, unless told otherwise."""

    pulumi_type = "alchemesh:local:Directory"
    computed = ("url",)

    path: Output[str]
    owner: Output[str]
    retention_seconds: Output[int | None]
    keep_on_delete: Output[bool]
    url: Output[str]

    def __init__(
        self,
        name: str,
        *,
        path: Input[str],
        owner: Input[str],
        retention_seconds: Input[int] | None = None,
        keep_on_delete: Input[bool] = True,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "path": path,
            "owner": owner,
            "retention_seconds": retention_seconds,
            "keep_on_delete": keep_on_delete,
        }
        super().__init__(name, inputs, opts)


class DeltaTable(PlatformResource):
    """A Delta table with the columns of a semantic model, there and queryable before the first row."""

    pulumi_type = "alchemesh:local:DeltaTable"
    computed = ("url",)

    path: Output[str]
    owner: Output[str]
    table: Output[str]
    description: Output[str]
    columns: Output[list[dict[str, Any]]]
    partition_by: Output[list[str]]
    on_incompatible_change: Output[str]
    keep_on_delete: Output[bool]
    url: Output[str]

    def __init__(
        self,
        name: str,
        *,
        path: Input[str],
        owner: Input[str],
        table: Input[str],
        columns: Input[Sequence[Input[Mapping[str, Any]]]],
        description: Input[str] = "",
        partition_by: Input[Sequence[Input[str]]] = (),
        on_incompatible_change: Input[Literal["refuse", "replace"]] = "refuse",
        keep_on_delete: Input[bool] = True,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "path": path,
            "owner": owner,
            "table": table,
            "description": description,
            "columns": columns,
            "partition_by": partition_by,
            "on_incompatible_change": on_incompatible_change,
            "keep_on_delete": keep_on_delete,
        }
        super().__init__(name, inputs, opts)


class Ingestion(PlatformResource):
    """A landing area: files of a path or glob, landed as Parquet; new and changed ones are landed again."""

    pulumi_type = "alchemesh:local:Ingestion"
    computed = ("url", "files", "rows", "bytes")

    source: Output[str]
    root: Output[str]
    format: Output[str]
    target: Output[str]
    owner: Output[str]
    null_values: Output[list[str]]
    mirror: Output[bool]
    keep_on_delete: Output[bool]
    url: Output[str]
    files: Output[int]
    rows: Output[int]
    bytes: Output[int]

    def __init__(
        self,
        name: str,
        *,
        source: Input[str],
        format: Input[Literal["csv", "json", "parquet"]],  # noqa: A002 - the property's name
        target: Input[str],
        owner: Input[str],
        root: Input[str] = ".",
        null_values: Input[Sequence[Input[str]]] = ("", "NA"),
        mirror: Input[bool] = False,
        keep_on_delete: Input[bool] = True,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "source": source,
            "root": root,
            "format": format,
            "target": target,
            "owner": owner,
            "null_values": null_values,
            "mirror": mirror,
            "keep_on_delete": keep_on_delete,
        }
        super().__init__(name, inputs, opts)


class DataApi(PlatformResource):
    """A supervised server that answers for tables over SQL, REST and GraphQL; found dead, it is started again."""

    pulumi_type = "alchemesh:local:DataApi"
    computed = ("credential_file", "endpoints", "http_port", "let_in_by_hand", "postgres_port")

    process: Output[str]
    owner: Output[str]
    run_directory: Output[str]
    host: Output[str]
    http_port: Output[int]
    postgres_port: Output[int | None]
    protocols: Output[list[str]]
    tables: Output[list[dict[str, str]]]
    start_timeout_seconds: Output[float]
    endpoints: Output[dict[str, str]]
    credential_file: Output[str]
    let_in_by_hand: Output[list[str]]
    sql: Output[str | None]
    rest: Output[str | None]
    graphql: Output[str | None]

    def __init__(
        self,
        name: str,
        *,
        process: Input[str],
        owner: Input[str],
        run_directory: Input[str],
        protocols: Input[Sequence[Input[Literal["sql", "rest", "graphql"]]]],
        tables: Input[Sequence[Input[Mapping[str, Any]]]],
        host: Input[str] = "127.0.0.1",
        http_port: Input[int] | None = None,
        postgres_port: Input[int] | None = None,
        start_timeout_seconds: Input[float] = 30.0,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "process": process,
            "owner": owner,
            "run_directory": run_directory,
            "host": host,
            "http_port": http_port,
            "postgres_port": postgres_port,
            "protocols": protocols,
            "tables": tables,
            "start_timeout_seconds": start_timeout_seconds,
        }
        super().__init__(name, inputs, opts)
        # The SDK takes a property that is null for unknown in a preview; in a map it is just not there. There is no map
        # where the server is not among the targets of the run that would make it.
        self.sql, self.rest, self.graphql = (
            self.endpoints.apply(lambda found, protocol=protocol: (found or {}).get(protocol))  # type: ignore[misc]
            for protocol in ("sql", "rest", "graphql")
        )


class DataApiGrant(PlatformResource):
    """One consumer let in at a data API; a credential of its own is issued to it apart."""

    pulumi_type = "alchemesh:local:DataApiGrant"
    computed = ("user",)

    process: Output[str]
    run_directory: Output[str]
    request: Output[str]
    consumer: Output[str]
    ends_at: Output[str | None]
    user: Output[str]

    def __init__(
        self,
        name: str,
        *,
        process: Input[str],
        run_directory: Input[str],
        request: Input[str],
        consumer: Input[str],
        ends_at: Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "process": process,
            "run_directory": run_directory,
            "request": request,
            "consumer": consumer,
            "ends_at": ends_at,
        }
        super().__init__(name, inputs, opts)


class Job(PlatformResource):
    """The description of a Python job, checked: its module or script is there. Nothing is run by declaring it."""

    pulumi_type = "alchemesh:local:Job"
    computed = ("descriptor",)

    directory: Output[str]
    owner: Output[str]
    python: Output[str]
    working_directory: Output[str]
    entrypoint: Output[str]
    env: Output[dict[str, Any]]
    schedule: Output[str | None]
    timeout_seconds: Output[int | None]
    descriptor: Output[str]

    def __init__(
        self,
        name: str,
        *,
        directory: Input[str],
        owner: Input[str],
        python: Input[str],
        working_directory: Input[str],
        entrypoint: Input[str],
        env: Input[Mapping[str, Any]] | None = None,
        schedule: Input[str] | None = None,
        timeout_seconds: Input[int] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "directory": directory,
            "owner": owner,
            "python": python,
            "working_directory": working_directory,
            "entrypoint": entrypoint,
            "env": env or {},
            "schedule": schedule,
            "timeout_seconds": timeout_seconds,
        }
        super().__init__(name, inputs, opts)
