"""SQL, REST and GraphQL over a port's tables, by a PostgreSQL that serves a copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pulumi

from alchemesh_components.local.settings import Settings
from alchemesh_components.output_ports.postgresql_serving.models import Args
from alchemesh_components.output_ports.postgresql_serving.spec import SPEC
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.systems.local.resources import DataApi, DataApiGrant


class PostgresqlServing(Component[Args, Settings]):
    """A PostgreSQL that serves a copy of the tables of the port's storage, and a gateway that requires credentials."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """One server."""
        self.data_api = server = self.server()
        return {
            "kind": "data-api",
            **{protocol: self.address_of(protocol) for protocol in ("sql", "rest", "graphql")},
            "tables": list(self.wiring.models),
            "credential_file": server.credential_file,
        }

    def server(self) -> DataApi:
        """The server. It counts as created once its health check passes."""
        wiring = self.wiring
        protocols: list[Any] = list(wiring.protocols)
        return DataApi(
            f"{self.name}-server",
            process=wiring.port,
            owner=wiring.address,
            run_directory=str(Path(self.settings.local.run, wiring.domain, wiring.product)),
            host=self.settings.local.host,
            http_port=self.args.http_port,
            postgres_port=self.args.postgres_port,
            protocols=protocols,
            tables=self.served_tables(),
            limits=self.limits,
            postgresql=self.settings.local.postgresql,
            postgresql_server=self.settings.local.postgresql_server,
            without_enclosure=self.without_enclosure,
            opts=self.child_options,
        )

    @property
    def limits(self) -> dict[str, Any] | None:
        """The declared limits. The copy is late when it is older than the contract promises, or earlier if declared."""
        declared = self.args.limits.model_dump(exclude_unset=True) if self.args.limits else None
        if self.wiring.freshness is None:
            return declared
        return {"max_lag_seconds": self.wiring.freshness.total_seconds(), **(declared or {})}

    @property
    def without_enclosure(self) -> Literal["allowed", "public"] | None:
        """Why the server may run on a machine that cannot enclose it; None if it may not."""
        if self.wiring.address in self.settings.local.allow_unenclosed:
            return "allowed"
        return "public" if self.wiring.access == "public" else None

    def address_of(self, protocol: str) -> pulumi.Output[str | None]:
        """The server's address for a protocol; None if the protocol is not offered."""
        # In a preview, Pulumi treats a null property as unknown; in a map, the key is absent. There is no map if the
        # server is not among the targets of the run that would create it.
        return self.data_api.endpoints.apply(lambda found: (found or {}).get(protocol))

    def grant(self, consumer: Consumer) -> Sequence[pulumi.Resource]:
        """One entry at the gateway, with the end of the access. The consumer's credential is issued separately."""
        return [
            DataApiGrant(
                f"{self.name}-{consumer.request}",
                process=self.data_api.process,
                run_directory=self.data_api.run_directory,
                request=consumer.request,
                consumer=consumer.address,
                ends_at=consumer.ends_at.isoformat() if consumer.ends_at else None,
                # Not a child of the component. Resources that depend on the component, such as the port's records,
                # would depend on every grant too, and a run that is limited to one grant could not remove it.
                opts=pulumi.ResourceOptions(parent=self.data_api),
            )
        ]

    def served_tables(self) -> list[dict[str, Any]]:
        """The served tables: one for each model, or the storage's Parquet files with the name of the only model."""
        storage = self.wiring.storage
        if storage.get("kind") == "tables":
            place = (
                [storage[each] for each in ("catalog", "catalog_name", "namespace")] if storage.get("catalog") else []
            )
            more = {"catalog": place} if place else {}
            return [{**self.served(name, url, storage["format"]), **more} for name, url in storage["tables"].items()]
        return [self.served(name, storage["url"], "parquet") for name in self.wiring.models]

    def served(self, name: str, url: pulumi.Input[str], format_: str) -> dict[str, Any]:
        """One served table, with the key of its model."""
        model = self.wiring.models.get(name)
        key = [name for name, declared in model.properties.items() if declared.key] if model else []
        return {"name": name, "url": url, "format": format_, **({"key": key} if key else {})}
