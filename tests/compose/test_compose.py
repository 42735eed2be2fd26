"""Composition: the content of a plan, its duration and its memory."""

from __future__ import annotations

import copy
import cProfile
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alchemesh_platform.base.problems import Problem, ProblemsFound
from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.catalog.discover import BrokenComponent, Catalog
from alchemesh_platform.compose.check import all_problems
from alchemesh_platform.compose.compose import compose, read_and_compose
from alchemesh_platform.compose.plan import Plan
from alchemesh_platform.compose.plan_document import plan_document
from alchemesh_platform.manifest.load import LoadedManifest, load_manifest, read_manifest
from alchemesh_platform.platform_file.models import Platform
from alchemesh_platform.sdk.spec import ComponentSpec, Role
from tests.builtin import ROOT
from tests.compose.specs import COMPONENTS, SPECS, altered, without
from tests.manifest.documents import COMPLETE, written

GOLDEN = Path(__file__).parent / "golden"
PLATFORM = Platform(
    environment="prod",
    state="gs://acme-state",
    registry="postgresql://registry/alchemesh",
    home="/home",
    settings={"cloud": {"project": "acme", "key": {"secret": "CLOUD_KEY"}}, "other": {"anything": 1}},
    components=COMPONENTS,
    transforms=({"component": "disk", "resource": "gcp:storage/bucket:Bucket", "set": {"a": 1}},),  # type: ignore[arg-type]
)


def manifest(folder: Path, **changes: Any) -> LoadedManifest:
    document = copy.deepcopy({**COMPLETE, **changes})
    (folder / "alchemesh.yaml").write_text(written(document))
    return load_manifest(folder / "alchemesh.yaml")


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    code = {"component": "python-job", "args": {"entrypoint": "clean.py", "env": {"TOKEN": {"secret": "TOKEN"}}}}
    return compose(manifest(tmp_path, code=code), PLATFORM, SPECS)


def test_plan_reads_like_the_manifest(plan: Plan, tmp_path: Path) -> None:
    assert (plan.project, plan.environment, plan.root) == ("aviation.flights", "prod", str(tmp_path))
    assert plan.assets == ("aviation/flights/flights-table/flight",)
    assert plan.address("flights-table") == "aviation/flights/flights-table"
    assert [(one.resource_name, one.role, one.port, one.spec.name) for one in plan.components()] == [
        ("departures", Role.INPUT_PORT, "departures", "reader"),
        ("airports", Role.INPUT_PORT, "airports", "neighbour"),
        ("workspace", Role.INFRASTRUCTURE, "workspace", "disk"),
        ("code", Role.CODE, "code", "job"),
        ("flights-table-storage", Role.STORAGE, "flights-table", "table"),
        ("flights-table-proxy", Role.PROXY, "flights-table", "server"),
    ]


def test_input_ports_name_the_source_of_their_data(plan: Plan) -> None:
    assert [(one.name, one.origin, one.from_product) for one in plan.inputs] == [
        ("departures", "aviation/dispatch", False),
        ("airports", "geography/airports/airports-table", True),
    ]


def test_output_port_has_its_models_protocols_and_contract(plan: Plan) -> None:
    (output,) = plan.outputs
    assert list(output.models) == ["flight"]
    assert output.protocols == ("sql", "rest")
    assert output.contract is not None
    assert output.contract.version == "2.0.0"


def test_components_know_their_line(plan: Plan, tmp_path: Path) -> None:
    lines = (tmp_path / "alchemesh.yaml").read_text().splitlines()
    assert plan.code is not None
    assert lines[plan.code.location.line - 1].strip() == "component: python-job"
    assert plan.code.path == "code"
    assert lines[plan.inputs[1].component.location.line - 1].strip() == "- name: airports"
    assert plan.outputs[0].storage.path == "output_ports[0].storage"


def test_arguments_and_settings_are_values_of_the_components_models(plan: Plan) -> None:
    assert plan.code is not None
    assert plan.code.args.env == {"TOKEN": SecretRef(secret="TOKEN")}
    settings = plan.outputs[0].storage.settings
    assert (settings.cloud.project, settings.cloud.region) == ("acme", "europe-west1")


def test_transform_of_a_component_that_is_not_used_is_kept(plan: Plan) -> None:
    assert [transform.component for transform in plan.transforms] == ["disk"]


def test_plan_document_is_stable(plan: Plan, update: bool) -> None:
    text = json.dumps(plan_document(plan), indent=2) + "\n"
    golden = GOLDEN / "flights.json"
    if update:
        golden.write_text(text)
    assert text == golden.read_text()


def test_plan_document_holds_references_to_secrets_and_no_secret(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUD_KEY", "hunter2")
    text = json.dumps(plan_document(plan))
    assert '{"secret": "CLOUD_KEY"}' in text
    assert '{"secret": "TOKEN"}' in text
    assert "hunter2" not in text


def test_plan_document_has_no_plain_value_under_the_name_of_a_secret(tmp_path: Path) -> None:
    """A password that a person wrote into the manifest was in `plan --json`, which pipelines keep."""
    texts = {"DB_PASSWORD": "hunter2", "DSN": "postgresql://ann:hunter2@db/shop", "REGION": "eu"}
    env = {**texts, "TOKEN": {"secret": "TOKEN"}}
    code = {"component": "python-job", "args": {"entrypoint": "clean.py", "env": env}}
    document = plan_document(compose(manifest(tmp_path, code=code), PLATFORM, SPECS))
    assert document["code"]["args"]["env"] == {
        "DB_PASSWORD": "[secret]",
        "DSN": "[secret]",
        "REGION": "eu",
        "TOKEN": {"secret": "TOKEN"},
    }
    assert "hunter2" not in json.dumps(document)


def test_composing_twice_gives_the_same_plan(tmp_path: Path) -> None:
    loaded = manifest(tmp_path)
    assert compose(loaded, PLATFORM, SPECS) == compose(loaded, PLATFORM, SPECS)


def test_smallest_product_composes(tmp_path: Path) -> None:
    bare = {key: COMPLETE[key] for key in ("kind", "name", "domain", "team", "owner", "version")}
    (tmp_path / "alchemesh.yaml").write_text(written(bare))
    plan = compose(load_manifest(tmp_path / "alchemesh.yaml"), PLATFORM, SPECS)
    assert (list(plan.components()), plan.assets) == ([], ())


def test_settings_missing_from_the_built_in_platform_are_reported_in_the_manifest_with_the_lines_to_add(
    tmp_path: Path,
) -> None:
    """Errors once named the place `builtin/local:1:1`, a file that no user has."""
    platform = PLATFORM.model_copy(update={"settings": {}})
    with pytest.raises(ProblemsFound) as found:
        compose(manifest(tmp_path), platform, SPECS)
    problem = next(each for each in found.value.problems if each.path == "output_ports[0].storage.component")
    assert problem.location.file.endswith("alchemesh.yaml")
    assert problem.message.startswith("found 'columnar-table', whose component table needs cloud in environments.prod")
    assert problem.hint is not None
    assert problem.hint.endswith(
        "      prod:\n        extends: builtin/local\n        settings:\n          cloud: {project: …}"
    )


def test_component_that_fails_to_load_is_reported_at_its_line_of_the_platform(tmp_path: Path) -> None:
    def broken() -> ComponentSpec:
        raise BrokenComponent("component 'job' of package acme cannot be loaded", hint="reinstall acme")

    catalog = Catalog({**{name: _returning(spec) for name, spec in without("job").items()}, "job": broken})
    with pytest.raises(ProblemsFound) as found:
        compose(manifest(tmp_path), PLATFORM, catalog)
    (problem,) = found.value.problems
    assert (problem.path, problem.message) == (
        "environments.prod.components.python-job",
        "component 'job' of package acme cannot be loaded",
    )


def _returning(spec: ComponentSpec) -> Callable[[], ComponentSpec]:
    return lambda: spec


def test_component_without_its_models_names_itself(tmp_path: Path) -> None:
    with pytest.raises(BrokenComponent, match="component 'job' cannot be used: ModuleNotFoundError"):
        compose(manifest(tmp_path), PLATFORM, altered("job", args="no_such_module:Args"))


# --- without an environment -------------------------------------------------------------------------------------------


def reported(folder: Path, catalog: dict[str, ComponentSpec], **changes: Any) -> list[str]:
    document = copy.deepcopy({**COMPLETE, **changes})
    (folder / "alchemesh.yaml").write_text(written(document))
    return [str(problem) for problem in all_problems(read_manifest(folder / "alchemesh.yaml"), None, catalog)]


def test_without_an_environment_any_implementation_is_enough(tmp_path: Path) -> None:
    other = {**SPECS, "another": altered("job", name="another", args="tests.compose.specs:Nothing")["job"]}
    assert reported(tmp_path, SPECS) == []
    assert reported(tmp_path, other) == []
    assert reported(tmp_path, other, code={"component": "python-job"}) == []
    (problem,) = reported(tmp_path, other, code={"component": "python-job", "args": {"entrypoint": 3}})
    assert "code.args" in problem


def test_without_an_environment_unknown_types_and_roles_are_reported(tmp_path: Path) -> None:
    assert "unknown component type 'python-jop'" in reported(tmp_path, SPECS, code={"component": "python-jop"})[0]
    assert "made for a storage" in reported(tmp_path, SPECS, code={"component": "columnar-table"})[0]


def test_without_any_component_of_a_role_the_hint_lists_the_catalogue(tmp_path: Path) -> None:
    found = reported(tmp_path, {})
    assert found
    assert [problem for problem in found if not problem.endswith("hint: `alchemesh components list` shows all")] == []


def test_an_argument_of_the_overlay_is_reported_there_without_advice_about_overlays(tmp_path: Path) -> None:
    catalog = {**SPECS, "another": altered("job", name="another", args="tests.compose.specs:Nothing")["job"]}
    platform = PLATFORM.model_copy(update={"components": {**COMPONENTS, "python-job": "another"}})
    found = problems_in(tmp_path, platform, catalog, {**COMPLETE}, "code: {args: {entrypoint: prod.py}}\n")
    assert [problem.hint for problem in found if problem.location.file.endswith("alchemesh.prod.yaml")] != []
    assert [problem for problem in found if "goes into" in (problem.hint or "")] == []
    found = problems_in(tmp_path, platform, catalog, {**COMPLETE}, "version: 1.3.0\n")
    fix = "job takes it, another does not: what differs in prod goes into alchemesh.prod.yaml"
    assert [problem.path for problem in found if (problem.hint or "").endswith(fix)] == ["code.args.entrypoint"]


def problems_in(
    folder: Path, platform: Platform, catalog: dict[str, ComponentSpec], document: dict[str, Any], overlay: str
) -> list[Problem]:
    (folder / "alchemesh.yaml").write_text(written(copy.deepcopy(document)))
    (folder / "alchemesh.prod.yaml").write_text(overlay)
    return all_problems(read_manifest(folder / "alchemesh.yaml", "prod"), platform, catalog)


def test_a_proxy_must_serve_the_form_of_its_storage(tmp_path: Path) -> None:
    fitting = {**altered("table", provides="tables"), "server": replace(SPECS["server"], serves=("files", "tables"))}
    assert all_problems(read_manifest(manifest(tmp_path).path), PLATFORM, fitting) == []
    other = {**fitting, "server": replace(SPECS["server"], serves=("files", "topics"))}
    (problem,) = all_problems(read_manifest(manifest(tmp_path).path), PLATFORM, other)
    assert (problem.path, problem.message) == (
        "output_ports[0].proxy.component",
        "server serves files and topics, and the storage of this port, table, provides tables",
    )


def test_a_proxy_that_does_not_fit_has_a_hint_at_its_line(tmp_path: Path) -> None:
    loaded = manifest(tmp_path)
    other = {**altered("table", provides="tables"), "server": replace(SPECS["server"], serves=("topics",))}
    (problem,) = all_problems(read_manifest(loaded.path), PLATFORM, other)
    assert problem.location == loaded.locate(("output_ports", 0, "proxy", "component"))
    assert str(problem.hint) == (
        "name a storage that provides one of them, leave the proxy out, or have the platform file map another proxy"
    )


def test_a_proxy_or_storage_that_names_no_form_fits(tmp_path: Path) -> None:
    read = read_manifest(manifest(tmp_path).path)
    assert all_problems(read, PLATFORM, altered("table", provides="tables")) == []
    assert all_problems(read, PLATFORM, altered("server", serves=("tables",))) == []


def test_a_port_without_a_proxy_and_a_contract_is_planned_and_documented(tmp_path: Path) -> None:
    bare = {"name": "flights-table", "models": ["flight"], "storage": {"component": "columnar-table"}}
    document = {key: value for key, value in COMPLETE.items() if key != "code"}
    (tmp_path / "alchemesh.yaml").write_text(written({**document, "output_ports": [bare]}))
    plan = compose(load_manifest(tmp_path / "alchemesh.yaml"), PLATFORM, SPECS)
    (output,) = plan.outputs
    assert (output.proxy, output.protocols, output.contract) == (None, (), None)
    shown = plan_document(plan)
    assert shown["code"] is None
    [port] = shown["outputs"]
    assert (port["proxy"], port["contract"]) == (None, None)


def test_a_plan_keeps_descriptions_places_the_document_and_the_foundations(tmp_path: Path) -> None:
    described: dict[str, Any] = copy.deepcopy(COMPLETE)
    described["input_ports"][0]["description"] = "From dispatch."
    described["output_ports"][0]["description"] = "For planners."
    loaded = manifest(tmp_path, **described)
    components = {**COMPONENTS, "platform-foundation": "founded", "domain-foundation": "founded"}
    platform = PLATFORM.model_copy(update={"components": components, "emulated": True})
    plan = compose(loaded, platform, {**SPECS, "founded": replace(SPECS["disk"], name="founded")})
    assert (plan.inputs[0].description, plan.outputs[0].description) == ("From dispatch.", "For planners.")
    assert plan.outputs[0].location == loaded.locate(("output_ports", 0))
    assert (plan.location, plan.document, plan.emulated) == (loaded.tree.location, loaded.tree.plain(), True)
    assert [each.project for each in plan.foundations] == ["mesh_platform", "mesh_domain.aviation"]


def test_an_objection_to_a_model_is_at_the_line_of_the_property(tmp_path: Path) -> None:
    loaded = manifest(tmp_path)
    objecting = altered("table", check="tests.compose.specs:check_models")
    (problem,) = all_problems(read_manifest(loaded.path), PLATFORM, objecting)
    assert (problem.path, problem.message, problem.hint) == (
        "models.flight.properties.legs",
        "found an array",
        "leave it out",
    )
    assert problem.location == loaded.locate(("models", "flight", "properties", "legs"))


def test_components_look_into_the_folder_only_when_asked(tmp_path: Path) -> None:
    loaded, looking = manifest(tmp_path), altered("table", look="tests.compose.specs:check_models")
    read = read_manifest(loaded.path)
    assert [each.message for each in all_problems(read, PLATFORM, looking)] == ["found an array"]
    assert all_problems(read, PLATFORM, looking, look=False) == []
    assert compose(loaded, PLATFORM, looking).outputs
    with pytest.raises(ProblemsFound, match="found an array"):
        compose(loaded, PLATFORM, looking, look=True)


def test_every_missing_group_of_settings_is_named_with_a_line_to_add(tmp_path: Path) -> None:
    platform = PLATFORM.model_copy(update={"settings": {}})
    needing = altered("table", settings="tests.compose.specs:TwoGroups")
    with pytest.raises(ProblemsFound) as found:
        compose(manifest(tmp_path), platform, needing)
    problem = next(each for each in found.value.problems if each.path == "output_ports[0].storage.component")
    assert problem.message == (
        "found 'columnar-table', whose component table needs cloud and other in environments.prod.settings, "
        "expected a platform file that has it"
    )
    assert str(problem.hint).endswith("          cloud: {project: …}\n          other: {project: …}")


def test_a_former_name_in_the_platform_file_is_a_warning(tmp_path: Path) -> None:
    platform = PLATFORM.model_copy(update={"components": {**COMPONENTS, "python-job": "former"}})
    catalog = {**SPECS, "former": SPECS["job"]}
    (problem,) = all_problems(read_manifest(manifest(tmp_path).path), platform, catalog)
    assert (problem.severity, problem.message) == ("warning", "'former' is now called 'job'")


def test_a_broken_component_leaves_the_others_of_the_catalogue_usable(tmp_path: Path) -> None:
    def broken() -> ComponentSpec:
        raise BrokenComponent("component 'other' of package acme cannot be loaded", hint="reinstall acme")

    catalog = Catalog({**{name: _returning(spec) for name, spec in SPECS.items()}, "other": broken})
    assert all_problems(read_manifest(manifest(tmp_path).path), None, catalog) == []


def test_overlay_of_the_environment_is_composed(tmp_path: Path) -> None:
    (tmp_path / "alchemesh.yaml").write_text(written(COMPLETE))
    (tmp_path / "alchemesh.prod.yaml").write_text("code: {args: {entrypoint: prod.py}}\n")
    loaded, plan = read_and_compose(tmp_path / "alchemesh.yaml", PLATFORM, "prod", SPECS)
    assert plan.code is not None
    assert plan.code.args.entrypoint == "prod.py"
    assert len(loaded.files) == 2


# --- cost of composing ------------------------------------------------------------------------------------------------


def wide(ports: int) -> dict[str, Any]:
    """A product of many output ports, each with its own model."""
    (port,) = COMPLETE["output_ports"]
    flight = COMPLETE["models"]["flight"]
    flight = {**flight, "relationships": []}
    return {
        **COMPLETE,
        "models": {f"model_{index}": flight for index in range(ports)},
        "output_ports": [{**port, "name": f"port-{index}", "models": [f"model_{index}"]} for index in range(ports)],
    }


def calls_for(ports: int, folder: Path) -> int:
    """The number of function calls to read and compose a product with that many ports: counted, not timed."""
    path = folder / f"{ports}.yaml"
    path.write_text(json.dumps(wide(ports)))
    profile = cProfile.Profile()
    plan = profile.runcall(lambda: compose(load_manifest(path), PLATFORM, SPECS))
    assert len(plan.assets) == ports
    return sum(entry.callcount for entry in profile.getstats())


@pytest.mark.slow
def test_work_grows_with_the_ports_and_no_faster(tmp_path: Path) -> None:
    calls_for(1, tmp_path)  # imports and compiles once
    few, many = calls_for(50, tmp_path), calls_for(500, tmp_path)
    assert many < few * 10 * 1.2, f"50 ports {few:,} calls, 500 ports {many:,}"


MEASURE = """
import json, resource, sys
from pathlib import Path
from alchemesh_platform.compose.compose import compose
from alchemesh_platform.manifest.load import load_manifest
from tests.compose.specs import SPECS
from tests.compose.test_compose import PLATFORM
plans = [compose(load_manifest(Path(path)), PLATFORM, SPECS) for path in sys.argv[1:]]
heavy = [name for name in ("pulumi", "grpc", "sqlalchemy", "duckdb", "deltalake", "rich") if name in sys.modules]
if sys.platform == "linux":  # where ru_maxrss has the memory of the process that started this one in it, too
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak = int(lines["VmHWM"].split()[0]) * 1024
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"plans": len(plans), "peak": peak, "heavy": heavy}))
"""


def measured(paths: list[Path]) -> dict[str, Any]:
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, *map(str, paths)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    result: dict[str, Any] = json.loads(run.stdout)
    return result


@pytest.mark.slow
def test_a_thousand_ports_stay_small(tmp_path: Path) -> None:
    path = tmp_path / "alchemesh.yaml"
    path.write_text(json.dumps(wide(1000)))
    assert measured([path])["peak"] < 250 * 1024**2


@pytest.mark.slow
def test_a_thousand_products_stay_small_and_import_nothing_heavy(tmp_path: Path) -> None:
    paths = []
    for index in range(1000):
        paths.append(tmp_path / f"{index}.yaml")
        paths[-1].write_text(written({**COMPLETE, "name": f"flights-{index}"}))
    result = measured(paths)
    assert result["plans"] == 1000
    assert result["heavy"] == []
    assert result["peak"] < 250 * 1024**2, result
