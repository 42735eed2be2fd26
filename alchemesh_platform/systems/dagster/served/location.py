"""The code location of a product, which Dagster's code server loads. The file in `ALCHEMESH_LOCATION` describes it.

A plain entrypoint becomes a job with one op, which runs the platform's launcher. The team's own definitions are loaded
as they are. Both get those assets of the product that the team does not define itself.

``python location.py`` loads it once and exits with 1 after a failure: `up` tries a location before it replaces another.
"""

import importlib.util
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import dagster as dg

VARIABLE = "ALCHEMESH_LOCATION"
CONFIG = ("request", "trigger", "from", "to")
LOGGED_LINES = 1000  # each is an event in Dagster's database; the compute log has all lines
GRACE_SECONDS = 30.0
SCHEDULED_TAG = ".dagster/scheduled_execution_time"  # dagster._core.storage.tags
SENSOR_SECONDS = 30  # Dagster's own default
CANCELLED = 130
TRIED = "--- the location cannot be loaded"  # the mark before a traceback


def definitions(location: Mapping[str, Any]) -> dg.Definitions:
    """The definitions of a location."""
    own = _team(location) if location.get("definitions") else _wrapped(location)
    known = set(own.resolve_asset_graph().get_all_asset_keys())
    assets = [each for each in _assets(location) if each.key not in known and not _is_mapped(each, known, location)]
    return dg.Definitions.merge(own, dg.Definitions(assets=assets)) if assets else own


def asset_of(key: Sequence[str], location: Mapping[str, Any]) -> list[str] | None:
    """The platform's asset of a key in Dagster: domain, product, port and model. None if it is no asset of the product.

    A team may name an asset by its whole key, by port and model, or by the model if one port alone has it.
    """
    found = [each["key"] for each in location["assets"] if each["own"] and each["key"][-len(key) :] == list(key)]
    return found[0] if len(found) == 1 else None


def _is_mapped(spec: dg.AssetSpec, known: set[dg.AssetKey], location: Mapping[str, Any]) -> bool:
    return any(asset_of(key.path, location) == list(spec.key.path) for key in known)


def _assets(location: Mapping[str, Any]) -> Iterator[dg.AssetSpec]:
    """The product's models, and the models that it reads, as external assets."""
    read = [dg.AssetKey(each["key"]) for each in location["assets"] if not each["own"]]
    for each in location["assets"]:
        own = bool(each["own"])
        yield dg.AssetSpec(
            key=dg.AssetKey(each["key"]),
            description=each.get("description"),
            group_name=location["group"] if own else None,
            deps=read if own else [],
            kinds={each["kind"]} if each.get("kind") else None,
        )


def _team(location: Mapping[str, Any]) -> dg.Definitions:
    """The definitions of the team's file."""
    module = _module(Path(location["definitions"]))
    found = [value for value in vars(module).values() if isinstance(value, dg.Definitions)]
    if len(found) > 1:
        raise dg.DagsterInvalidDefinitionError(f"{location['definitions']} has {len(found)} Definitions: merge them")
    own = found[0] if found else dg.load_definitions_from_module(module)
    # Dagster's default starts a process for each step, which takes longer than most steps.
    return (
        own if own.executor is not None else dg.Definitions.merge(own, dg.Definitions(executor=dg.in_process_executor))
    )


def _module(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    return module


def _wrapped(location: Mapping[str, Any]) -> dg.Definitions:
    """The plain entrypoint, as a job with one op."""
    job, retries = location["job"], location.get("retries", 0)
    policy = dg.RetryPolicy(max_retries=retries, delay=location.get("retry_delay_seconds", 0)) if retries else None
    text = dg.Field(str, is_required=False)

    @dg.op(
        description=location.get("description"),
        retry_policy=policy,
        ins={},
        out={},
        config_schema={**dict.fromkeys(CONFIG, text), "arguments": dg.Field([str], is_required=False)},
    )
    def run_entrypoint(context):  # type: ignore[no-untyped-def] # Dagster reads annotations of ops
        _run(context, location)

    @dg.job(name=job, description=location.get("description"), executor_def=dg.in_process_executor)
    def entrypoint_job():  # type: ignore[no-untyped-def]
        run_entrypoint()

    schedules = []
    if location.get("schedule"):
        schedules.append(
            dg.ScheduleDefinition(
                name=f"{job}_schedule",
                job=entrypoint_job,
                cron_schedule=location["schedule"],
                execution_timezone=location["time_zone"],
                default_status=dg.DefaultScheduleStatus.RUNNING,
            )
        )
    sensors = [_upstream_sensor(location, entrypoint_job)] if location.get("due") else []
    return dg.Definitions(jobs=[entrypoint_job], schedules=schedules, sensors=sensors)


def _upstream_sensor(location: Mapping[str, Any], job: dg.JobDefinition) -> dg.SensorDefinition:
    """The sensor of a change of an upstream product, whatever runs its code: it asks the platform."""

    @dg.sensor(
        name=f"{location['job']}_upstream",
        job=job,
        minimum_interval_seconds=SENSOR_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def upstream(_context):  # type: ignore[no-untyped-def]
        asked = subprocess.run(location["due"], capture_output=True, text=True, check=False)
        if asked.returncode != 0:
            raise dg.Failure(f"the platform does not say whether a run is due: {asked.stderr.strip()[-500:]}")
        change = asked.stdout.strip()
        if not change:
            return dg.SkipReason("no upstream data has changed since the last run")
        # Dagster starts one run for a key, however often the sensor returns it.
        config = {"ops": {"run_entrypoint": {"config": {"trigger": "asset"}}}}
        return dg.RunRequest(run_key=change, run_config=config)

    return upstream


def _run(context: dg.OpExecutionContext, location: Mapping[str, Any]) -> None:
    """Run the launcher, with its output in the log of the run."""
    config: dict[str, Any] = context.op_config or {}
    tags = context.run.tags
    by_itself = (
        "schedule" if "dagster/schedule_name" in tags else "asset" if "dagster/sensor_name" in tags else "manual"
    )
    values = {
        **{name: str(config.get(name) or "") for name in CONFIG},
        "trigger": config.get("trigger") or by_itself,
        "scheduled": tags.get(SCHEDULED_TAG, ""),
        "run": context.run_id,
        "attempt": str(context.retry_number + 1),
    }
    command = [_rendered(word, values) for word in location["command"]]
    arguments = config.get("arguments") or []
    command += ["--", *arguments] if arguments else []
    status = _followed(command, context)
    if status == 0:
        return
    said = "was cancelled" if status == CANCELLED else f"ended with exit status {status}"
    raise dg.Failure(f"the code {said}", allow_retries=status != CANCELLED)


def _rendered(word: str, values: Mapping[str, str]) -> str:
    """A word of the command with its placeholder: ``--request={request}``."""
    name, given, rest = word.partition("={")
    return f"{name}={values[rest[:-1]]}" if given and rest[:-1] in values and rest.endswith("}") else word


def _followed(command: Sequence[str], context: dg.OpExecutionContext) -> int:
    """The exit status of a program. An interrupt of the run ends the program, and waits for its end."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        try:
            for number, line in enumerate(process.stdout or ()):
                sys.stdout.write(line)
                if number < LOGGED_LINES:
                    context.log.info(line.rstrip("\n"))
                elif number == LOGGED_LINES:
                    context.log.info("the other lines are in the output of this step")
            return process.wait()
        except BaseException:
            process.terminate()
            try:
                process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
            raise


def _loaded() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(os.environ[VARIABLE]).read_text(encoding="utf-8"))
    sys.path.insert(0, found["working_directory"])
    return found


def try_location() -> int:
    """Load the location once, and print its traceback if that fails."""
    try:
        found = definitions(_loaded())
        dg.Definitions.validate_loadable(found)
    except BaseException:  # noqa: BLE001 - the team's code may raise anything, also SystemExit
        sys.stdout.write(f"\n{TRIED}\n{traceback.format_exc()}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(try_location())
elif VARIABLE in os.environ:
    defs = definitions(_loaded())
