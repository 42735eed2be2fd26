"""A DAG of Apache Airflow."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.base.secrets import SecretRef, references_in
from alchemesh_platform.machine.environments import python_of
from alchemesh_platform.provider.handler import Context, Handler, NotDone
from alchemesh_platform.provider.inputs import Properties, Refusal
from alchemesh_platform.sdk.system.drift import Drift
from alchemesh_platform.systems.airflow.client import AirflowFailed, Client, Dag, wait_for
from alchemesh_platform.systems.airflow.connecting import Place, client_of, local_of
from alchemesh_platform.systems.airflow.delivery import DAG_FILE, OWNER_FILE, Delivery, delivery
from alchemesh_platform.systems.airflow.keeper import DOCUMENT
from alchemesh_platform.systems.airflow.parsing import parse_dag
from alchemesh_platform.systems.airflow.rendering import PlainDag, asset_uri, plain_dag
from alchemesh_platform.systems.airflow.server import ensure_airflow

PARSED_SECONDS = 180.0
ENDED_SECONDS = 60.0
ID_PATTERN = r"^[a-z0-9][a-z0-9_-]*$"
ID_MAX = 250  # https://github.com/apache/airflow/blob/main/airflow-core/src/airflow/utils/helpers.py, KEY length
_TRACE_MAX = 4000  # characters of a traceback
_ENDED = ("success", "failed")


class DagInputs(Properties):
    """The declaration of a DAG: the team's own file, or the code that a generated one runs."""

    server: Place = Field(
        description="The server: a document of `alchemesh_platform.systems.airflow.connecting.Place`."
    )
    dags: str = Field(min_length=1, description="Folder of DAGs that the server reads: a path, gs://… or s3://….")
    dag_id: str = Field(pattern=ID_PATTERN, max_length=ID_MAX, description="Id of the DAG that a run starts.")
    owner: str = Field(min_length=1, description="Address that the DAG belongs to.")
    definition: str | None = Field(
        default=None, description="Text of the team's own file; by default one is generated."
    )
    descriptor: str | None = Field(default=None, description="Description of the job that a generated DAG starts.")
    python: str | None = Field(default=None, description="Python that has the platform, for a generated DAG.")
    connections: dict[str, Any] = Field(
        default_factory=dict, description="Connection of each port; secrets by reference."
    )
    env: dict[str, str | SecretRef] = Field(default_factory=dict, description="Environment variables of the code.")
    platform_secrets: tuple[str, ...] = Field(default=(), description="Names of secrets that the platform file has.")
    outlets: tuple[str, ...] = Field(default=(), description="Output ports that a run changes: domain/product/port.")
    on: tuple[str, ...] = Field(default=(), description="Output ports whose change starts a run: domain/product/port.")
    schedule: str | None = Field(default=None, description="Cron expression.")
    time_zone: str = Field(default="UTC", description="Time zone of the schedule.")
    catch_up: str = Field(default="latest", description="Missed times of the schedule that run later.")
    retries: int = Field(default=0, ge=0, description="Number of retries of a failed run.")
    retry_delay_seconds: int = Field(default=60, ge=0, description="Wait before a retry.")
    timeout_seconds: int | None = Field(default=None, gt=0, description="Time limit of an attempt.")


class DagOutputs(Properties):
    """The DAG after the last operation."""

    address: str = Field(description="Address of the server.")
    server_version: str = Field(description="Version of the server.")
    since: str = Field(description="The moment of the first delivery, from which the schedule counts.")
    dag_ids: tuple[str, ...] = Field(description="Ids of the DAGs in its file.")


class DagHandler(Handler[DagInputs, DagOutputs]):
    """A DAG in a folder of its own. The former file stays until Airflow has read the new one."""

    pulumi_type = "alchemesh:airflow:Dag"
    summary = "A DAG of Apache Airflow 2.10 or later: its file, its connections, and that it is not paused."
    inputs = DagInputs
    outputs = DagOutputs
    replace_on = frozenset({"dag_id", "dags", "server"})
    delete_before_replace = True  # two files with one DAG id would take turns in Airflow
    refuses_secrets = True

    def identify(self, inputs: DagInputs) -> str:
        return f"{inputs.dags.rstrip('/')}/{inputs.dag_id}"

    def check(self, inputs: DagInputs, old_inputs: DagInputs | None, context: Context) -> Iterator[Refusal]:
        if (inputs.definition is None) == (inputs.descriptor is None):
            yield Refusal("definition", "expected either the text of a DAG file, or the description of a job")
        holder = _holder(delivery(inputs.dags, inputs.dag_id).read())
        former = old_inputs.owner if old_inputs is not None else None
        if holder is not None and holder.get("owner") not in (inputs.owner, former):
            yield Refusal("dagId", f"the folder of DAG {inputs.dag_id} belongs to {holder.get('owner')}")
        elif holder is not None and context.environment not in (None, holder.get("environment")):
            yield Refusal(
                "dagId",
                f"the folder of DAG {inputs.dag_id} belongs to environment {holder.get('environment')}; "
                "set another `dags` in the settings group `airflow`",
            )

    def plan(self, inputs: DagInputs, old: DagOutputs | None, context: Context) -> Mapping[str, Any]:
        return {"since": old.since} if old is not None and old.since else {}

    def drift(self, inputs: DagInputs, outputs: DagOutputs, context: Context) -> Drift | None:
        local = local_of(inputs.server)
        reason = local.why_down() if local is not None else None
        if reason is not None:
            return Drift(f"{reason}; `up` starts it again", "address")
        found = delivery(inputs.dags, inputs.dag_id).read()
        if not found.get(DAG_FILE):
            return Drift(f"the file of DAG {inputs.dag_id} is missing; `up` delivers it again", "dag_ids")
        wanted = _files(inputs, outputs.since, context)
        if {name: found.get(name) for name in wanted} != wanted:  # files of other programs may lie beside them
            return Drift(
                f"the file of DAG {inputs.dag_id} differs from its declaration; `up` delivers it again", "dag_ids"
            )
        client = client_of(inputs.server)
        for dag_id in outputs.dag_ids or (inputs.dag_id,):
            dag = client.dag(dag_id)
            if dag is None or dag.is_stale:
                return Drift(f"Airflow does not know DAG {dag_id}; `up` delivers it again", "dag_ids")
            if dag.is_paused:
                return Drift(f"DAG {dag_id} was paused by hand; `up` turns its schedule on", "dag_ids")
        return None

    def create(self, inputs: DagInputs, context: Context) -> DagOutputs:
        try:
            return self._deliver(inputs, datetime.now(UTC).replace(microsecond=0).isoformat(), context)
        except (NotDone, AirflowFailed):
            if (local := local_of(inputs.server)) is not None:
                local.end_if_unused()  # `destroy` ends no server of a DAG that was never created
            raise

    def read(self, inputs: DagInputs, outputs: DagOutputs, context: Context) -> tuple[DagInputs, DagOutputs] | None:
        found = delivery(inputs.dags, inputs.dag_id).read()
        return (inputs, outputs) if found.get(DAG_FILE) else None

    def update(self, inputs: DagInputs, old_inputs: DagInputs, outputs: DagOutputs, context: Context) -> DagOutputs:
        changed = (inputs.schedule, inputs.time_zone) != (old_inputs.schedule, old_inputs.time_zone)
        now = datetime.now(UTC).replace(microsecond=0).isoformat()
        return self._deliver(inputs, now if changed or not outputs.since else outputs.since, context)

    def delete(self, inputs: DagInputs, outputs: DagOutputs, context: Context) -> None:
        folder, local = delivery(inputs.dags, inputs.dag_id), local_of(inputs.server)
        holder = _holder(folder.read())
        if holder is not None and (
            holder.get("owner") != inputs.owner or context.environment not in (None, holder.get("environment"))
        ):
            return  # it has another owner now
        if local is None or local.why_down() is None:
            client = client_of(inputs.server)
            for dag_id in outputs.dag_ids or (inputs.dag_id,):
                _end_runs(client, dag_id, inputs)
            folder.remove()
            if local is None:
                _wait_until_gone(client, outputs.dag_ids or (inputs.dag_id,), context)
        folder.remove()
        if local is not None:
            local.end_if_unused()

    def _deliver(self, inputs: DagInputs, since: str, context: Context) -> DagOutputs:
        local = local_of(inputs.server)
        declared = self._declared_ids(inputs, context)
        folder, files = delivery(inputs.dags, inputs.dag_id), _files(inputs, since, context)
        # The removal of the last other DAG ends the server of this machine: not before this one is there.
        with local.serving(_secrets(inputs), os.environ, context.info) if local is not None else nullcontext():
            client = client_of(inputs.server)
            _check_free(client, declared, inputs)
            before = folder.read()
            began = client.now()
            folder.write(files)
        try:
            known = _wait_until_read(client, declared, inputs, began, before != files, context)
        except NotDone:
            _put_back(folder, before)
            raise
        for dag in known:
            if dag.is_paused:
                client.pause(dag.id, paused=False)
        return DagOutputs(
            address=client.address, server_version=client.version, since=since, dag_ids=tuple(dag.id for dag in known)
        )

    def _declared_ids(self, inputs: DagInputs, context: Context) -> tuple[str, ...]:
        """The ids of the DAGs of the file. A team's file is read in Airflow's own environment before its delivery."""
        if inputs.definition is None:
            return (inputs.dag_id,)
        parsed = parse_dag(python_of(ensure_airflow(context.info)), inputs.definition)
        if parsed.errors:
            raise NotDone(
                f"Airflow cannot import the DAG file: {_cut(parsed.errors[0])}",
                hint=remedy(
                    "correct the file; until then the former DAG stays as it is. {} delivers it", command("up")
                ),
            )
        if inputs.dag_id not in parsed.dags:
            found = f"it has {', '.join(parsed.dags)}" if parsed.dags else "it has none"
            raise NotDone(
                f"the DAG file has no DAG {inputs.dag_id!r}: {found}",
                hint=remedy(
                    "set `dag_id` to the id of the DAG that {} starts, or name the DAG {}",
                    command("run", about_product=True),
                    repr(inputs.dag_id),
                ),
            )
        return parsed.dags


def _files(inputs: DagInputs, since: str, context: Context) -> dict[str, str]:
    """The files of the DAG's folder, by name."""
    product, local = inputs.owner.rpartition("/")[0], local_of(inputs.server)
    environment = context.environment or ""
    text = inputs.definition
    if text is None:
        text = plain_dag(
            PlainDag(
                dag_id=inputs.dag_id,
                product=product,
                environment=environment,
                descriptor=inputs.descriptor or "",
                since=since,
                schedule=inputs.schedule,
                time_zone=inputs.time_zone,
                on=tuple(asset_uri(environment, port) for port in inputs.on),
                outlets=tuple(asset_uri(environment, port) for port in inputs.outlets),
                catch_up=inputs.catch_up,
                retries=inputs.retries,
                retry_delay_seconds=inputs.retry_delay_seconds,
                timeout_seconds=inputs.timeout_seconds,
                keeper=str(local.keeper_socket) if local is not None else None,
                python=inputs.python,
            )
        )
    document = {"secrets": sorted(_secrets(inputs)), "ports": inputs.connections}
    owner = {"owner": inputs.owner, "environment": environment}
    return {
        DAG_FILE: text,
        DOCUMENT: json.dumps(document, indent=1, sort_keys=True) + "\n",
        OWNER_FILE: json.dumps(owner) + "\n",
    }


def _secrets(inputs: DagInputs) -> set[str]:
    """The secrets that a run needs: of its variables, of its connections, and of the platform file."""
    env = {name: each.model_dump() for name, each in inputs.env.items() if isinstance(each, SecretRef)}
    return {*references_in(env), *references_in(inputs.connections), *inputs.platform_secrets}


def _holder(files: Mapping[str, str]) -> dict[str, str] | None:
    """The owner of a folder of DAGs; None for a folder without files. One without a mark belongs to somebody else."""
    if not files:
        return None
    try:
        found = json.loads(files[OWNER_FILE])
    except (KeyError, ValueError):
        return {"owner": "somebody else"}
    return found if isinstance(found, dict) else {"owner": "somebody else"}


def _is_ours(file: str, inputs: DagInputs) -> bool:
    """Whether Airflow means the delivered file: by its whole path, or by its path in the folder of DAGs."""
    return tuple(file.split("/")[-2:]) == (inputs.dag_id, DAG_FILE)


def _check_free(client: Client, dag_ids: Iterable[str], inputs: DagInputs) -> None:
    for dag_id in dag_ids:
        dag = client.dag(dag_id)
        if dag is not None and not dag.is_stale and not _is_ours(dag.file, inputs):
            raise NotDone(
                f"Airflow at {client.address} has a DAG {dag_id!r} that alchemesh did not deliver: {dag.file}",
                hint="rename the product or that DAG; alchemesh changes only DAGs that it delivered",
            )


def _wait_until_read(
    client: Client, dag_ids: tuple[str, ...], inputs: DagInputs, began: datetime, changed: bool, context: Context
) -> list[Dag]:
    """Wait until Airflow has read the delivered file.

    Raises:
        NotDone: when it cannot import the file, with the traceback; or when it does not read the file in time.
    """

    def ask() -> tuple[list[Dag], str | None]:
        found = [dag for dag_id in dag_ids if (dag := client.dag(dag_id)) is not None and _is_new(dag)]
        if len(found) == len(dag_ids):
            return found, None
        return found, next((each.traceback for each in client.import_failures() if _is_now(each)), None)

    def _is_new(dag: Dag) -> bool:
        is_read = not changed or (dag.parsed_at is not None and dag.parsed_at >= began)
        return is_read and not dag.is_stale and _is_ours(dag.file, inputs)

    def _is_now(each: Any) -> bool:
        return _is_ours(each.file, inputs) and (each.at is None or each.at >= began)

    found, trace = wait_for(
        ask,
        lambda answer: len(answer[0]) == len(dag_ids) or answer[1] is not None,
        PARSED_SECONDS,
        context.stop.is_set,
    )
    if trace is not None:
        raise NotDone(
            f"Airflow at {client.address} cannot import the DAG: {_cut(trace)}",
            hint=remedy("correct the file; until then the former DAG stays as it is. {} delivers it", command("up")),
        )
    if len(found) < len(dag_ids):
        missing = sorted({*dag_ids} - {dag.id for dag in found})
        raise NotDone(
            f"Airflow at {client.address} has not read DAG {missing[0]} for {PARSED_SECONDS:.0f} s",
            hint=f"is {inputs.dags} a folder that its DAG processor reads? Set `dags` in the settings group `airflow`",
        )
    return found


def _put_back(folder: Delivery, before: Mapping[str, str]) -> None:
    if before:
        folder.write(before)
    else:
        folder.remove()


def _end_runs(client: Client, dag_id: str, inputs: DagInputs) -> None:
    """End the runs of a DAG that is removed: their end would stay unseen. A DAG of somebody else continues."""
    dag = client.dag(dag_id)
    if dag is None or not _is_ours(dag.file, inputs):
        return
    client.pause(dag_id, paused=True)
    for state in ("queued", "running"):
        for run in list(client.runs(dag_id, state=state)):
            client.end(dag_id, run.id, "alchemesh removed the DAG")


def _wait_until_gone(client: Client, dag_ids: Iterable[str], context: Context) -> None:
    def ask() -> list[str]:
        return [each for each in dag_ids if (dag := client.dag(each)) is not None and not dag.is_stale]

    wait_for(ask, lambda left: not left, ENDED_SECONDS, context.stop.is_set)


def _cut(trace: str) -> str:
    """A traceback, without its begin if it is long."""
    text = trace.strip()
    return text if len(text) <= _TRACE_MAX else f"…{text[-_TRACE_MAX:]}"
