"""The configuration of the server, from the models of a port."""

from __future__ import annotations

from collections.abc import Sequence

from alchemesh_components.output_ports.cloud_run_data_api.models import Args
from alchemesh_platform.clouds.gcp.data_api.configuration import BigQueryTable, InstanceConfiguration
from alchemesh_platform.sdk.wiring import Wiring

_UNITS = {"Mi": 1, "Gi": 1024}


def described(args: Args, wiring: Wiring, tables: Sequence[str]) -> str:
    """The configuration as the variable of the container.

    Args:
        args: Arguments of the data API.
        wiring: Its port.
        tables: ``project.dataset.table`` of each model, in their order.
    """
    return InstanceConfiguration(
        title=wiring.address,
        tables=tuple(
            BigQueryTable(
                name=name,
                table=table,
                columns=tuple(model.properties),
                key=tuple(each for each, declared in model.properties.items() if declared.key),
                description=model.description,
            )
            for (name, model), table in zip(wiring.models.items(), tables, strict=True)
        ),
        refresh_seconds=args.refresh.total_seconds(),
        memory_megabytes=megabytes(args.memory),
        protocols=tuple(name for name in ("rest", "graphql") if name in wiring.protocols),
    ).model_dump_json(exclude_defaults=True)


def megabytes(memory: str) -> int:
    """Megabytes of an amount such as ``1Gi``."""
    return int(memory[:-2]) * _UNITS[memory[-2:]]
