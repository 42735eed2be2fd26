"""Renders files for Airflow: the DAG of a plain entrypoint, and the secrets backend of the local server."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from alchemesh_platform.sdk.code.launch import launch_command

if TYPE_CHECKING:
    from jinja2 import Environment

TAG = "alchemesh"
NAME = "airflow"

# Airflow renders these expressions when the task starts.
_CONF = "((dag_run.conf or {}).get('alchemesh') or {})"
_KIND = "(dag_run.run_type.value | default(dag_run.run_type) | string)"
_KINDS = "{'scheduled': 'schedule', 'backfill': 'backfill', 'asset_triggered': 'asset', 'dataset_triggered': 'asset'}"
RUN = "{{ run_id }}"
TRIGGER = f"{{{{ {_CONF}.get('trigger') or {_KINDS}.get({_KIND}, 'manual') }}}}"
REQUEST = f"{{{{ {_CONF}.get('request') or '' }}}}"
ATTEMPT = "{{ ti.try_number }}"
_AT = "(dag_run.run_after | default(dag_run.data_interval_end)).isoformat()"  # Airflow 2 has the second one only
SCHEDULED = f"{{{{ {_AT} if {_KIND} == 'scheduled' else '' }}}}"
INTERVAL = (f"{{{{ {_CONF}.get('from') or '' }}}}", f"{{{{ {_CONF}.get('to') or '' }}}}")


@dataclass(frozen=True, slots=True)
class PlainDag:
    """The DAG of a plain entrypoint.

    Args:
        dag_id: Its id.
        product: ``domain/product``.
        environment: Name of the environment.
        descriptor: Path of the job's description, which the launcher reads.
        since: The moment from which the schedule counts, with its offset.
        schedule: Cron expression; None without one.
        time_zone: Time zone of the schedule.
        on: URIs of assets. A change of any of them starts a run.
        outlets: URIs of the assets that a run changes.
        keeper: Path of the socket of the process with the secrets; None if the worker's environment has them.
        python: The Python that has the platform; by default the one that runs now.
    """

    dag_id: str
    product: str
    environment: str
    descriptor: str
    since: str
    schedule: str | None = None
    time_zone: str = "UTC"
    on: tuple[str, ...] = ()
    outlets: tuple[str, ...] = ()
    catch_up: str = "latest"
    retries: int = 0
    retry_delay_seconds: int = 60
    timeout_seconds: int | None = None
    keeper: str | None = None
    python: str | None = None


def asset_uri(environment: str, port: str) -> str:
    """The URI of an output port as an asset of Airflow.

    Args:
        port: ``domain/product/port``.
    """
    return f"alchemesh://{environment}/{port}"


def port_of(uri: str, environment: str) -> str | None:
    """The output port that the URI of an asset names; None for any other asset."""
    prefix = asset_uri(environment, "")
    return uri.removeprefix(prefix) if uri.startswith(prefix) else None


def tags_of(product: str, environment: str) -> list[str]:
    """The tags of a delivered DAG, by which people find it."""
    return [TAG, environment, product]


def plain_dag(dag: PlainDag) -> str:
    """The text of the DAG of a plain entrypoint."""
    command = launch_command(
        _as_it_is(dag.descriptor),
        engine=NAME,
        engine_run=RUN,
        trigger=TRIGGER,
        request=REQUEST,
        attempt=ATTEMPT,
        interval=INTERVAL,
        scheduled=SCHEDULED,
        python=_as_it_is(dag.python or sys.executable),
    )
    values = {name: getattr(dag, name) for name in dag.__slots__}
    return _rendered(
        "dag.py.j2",
        {
            **values,
            "command": command,
            "description": f"Code of data product {dag.product} in environment {dag.environment}.",
            "schedule_expression": _schedule(dag),
            "tags": tags_of(dag.product, dag.environment),
        },
    )


def _as_it_is(path: str) -> str:
    """A path in a field that Airflow renders as a template."""
    return f"{{{{ {path!r} }}}}" if any(mark in path for mark in ("{{", "{%", "{#")) else path


def secrets_backend(dags: str, keeper: str) -> str:
    """The module with the secrets backend of a server that the platform runs."""
    return _rendered("alchemesh_secrets.py.j2", {"dags": dags, "keeper": keeper})


def parser() -> str:
    """The program that reads a DAG file in Airflow's own environment."""
    return _rendered("parse.py.j2", {})


def _schedule(dag: PlainDag) -> str:
    cron = f"CronTriggerTimetable({dag.schedule!r}, timezone={dag.time_zone!r})" if dag.schedule else None
    return cron or (" | ".join(f"Asset({uri!r})" for uri in dag.on) or "None")


def _rendered(name: str, values: Mapping[str, Any]) -> str:
    return _templates().get_template(name).render(values)


@cache
def _templates() -> Environment:
    from importlib.resources import files

    from jinja2 import Environment, FunctionLoader, StrictUndefined

    folder = files("alchemesh_platform.systems.airflow").joinpath("files")
    templates = Environment(  # noqa: S701 - Python, no HTML
        loader=FunctionLoader(lambda name: folder.joinpath(name).read_text(encoding="utf-8")),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["literal"] = _literal
    return templates


def _literal(value: Any) -> str:
    """A value as Python writes it. Only plain values come in."""
    if value is not None and not isinstance(value, str | int | bool) and not isinstance(value, Sequence):
        raise TypeError(f"{value!r} is no plain value")
    return repr(list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value)
