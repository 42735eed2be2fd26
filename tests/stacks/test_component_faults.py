"""A component of another package that breaks its promises: the report names component, package, port and field."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest

from alchemesh_cli.main import invoke
from alchemesh_platform.app.events import ignore
from alchemesh_platform.app.foundations import _Run
from alchemesh_platform.app.programs import deploy_product
from alchemesh_platform.app.where import Where, read_product
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.base.packages import conduct
from alchemesh_platform.base.problems import ProblemsFound
from alchemesh_platform.catalog.discover import discover
from alchemesh_platform.compose.foundation import platform_foundation
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.sdk import fault
from alchemesh_platform.sdk.fault import ComponentFault
from alchemesh_stacks.declared import registered_foundation

ROOT = Path(__file__).parents[2]
MANIFEST = """\
kind: DataProduct
name: sales
domain: retail
team: shop
owner: ann@shop.example
version: 1.0.0
lifecycle: development
models:
  sale:
    properties:
      id: {type: string, key: true, required: true}
output_ports:
  - name: sales-table
    models: [sale]
    storage: {component: columnar-table}
"""
PLATFORM = """\
kind: Platform
name: shop
environments:
  local:
    extends: builtin/local
    components: {columnar-table: acme-table}
"""
SPEC = """\
from dataclasses import replace
from alchemesh_components.output_ports.delta_table.spec import SPEC as OURS
SPEC = replace(OURS, name="acme-table", version="0.3.0", component="acme_faulty.component:Table", check=None{more})
"""
COMPONENT = """\
import itertools
import pulumi
from alchemesh_platform.sdk.component import Component
from acme_faulty.spec import SPEC

COUNT = itertools.count()

class Table(Component):
    spec = SPEC

    def build(self):
        {build}
"""
NAMED = "component acme-table 0.3.0 of package acme-faulty, retail/sales/sales-table: "
RIGHT = {"kind": "tables", "format": "delta", "tables": {"sale": "file:///sale"}}


@pytest.fixture
def product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes a product whose table is a component of the package acme-faulty."""
    monkeypatch.setenv("ALCHEMESH_HOME", str(tmp_path / "home"))
    site = tmp_path / "site"
    package, metadata = site / "acme_faulty", site / "acme_faulty-0.3.0.dist-info"
    for folder in (package, metadata, tmp_path / "product"):
        folder.mkdir(parents=True)
    (metadata / "entry_points.txt").write_text("[alchemesh.components]\nacme-table = acme_faulty.spec:SPEC\n")
    (package / "__init__.py").write_text("")
    (tmp_path / "product" / "alchemesh.yaml").write_text(MANIFEST)
    (tmp_path / "product" / "platform.yaml").write_text(PLATFORM)
    monkeypatch.syspath_prepend(str(site))

    def write(build: str, more: str = "", module: str = COMPONENT) -> Where:
        (package / "spec.py").write_text(SPEC.format(more=more))
        lines = "\n        ".join(dedent(build).strip().splitlines())
        (package / "component.py").write_text(module.replace("{build}", lines))
        return Where(directory=tmp_path / "product", environment="local")

    with monkeypatch.context() as context:
        import sys

        for name in ("acme_faulty", "acme_faulty.spec", "acme_faulty.component", "acme_faulty.check"):
            context.delitem(sys.modules, name, raising=False)
        yield write
        for name in [name for name in sys.modules if name.startswith("acme_faulty")]:
            del sys.modules[name]


FAULTS = {
    "return None": "build() returned None, expected a mapping with the fields of alchemesh_platform.connections:Tabl",
    "return ['tables']": "build() returned a list, expected a mapping",
    "return {'kind': 'tables', 'format': 'delta'}": "output 'tables' is missing, expected every required field of ",
    f"return {{**{RIGHT!r}, 'color': 1}}": "found output 'color', expected a field of alchemesh_platform.connections:T",
    "raise KeyError('region')": "build() failed at acme_faulty/component.py:12: KeyError: 'region'",
    "raise SystemExit(3)": "build() failed at acme_faulty/component.py:12: SystemExit: 3",
    "raise type('Stop', (BaseException,), {})('now')": "build() failed at acme_faulty/component.py:12: Stop: now",
    "raise KeyboardInterrupt": "build() failed at acme_faulty/component.py:12: KeyboardInterrupt: ",
    "import os; os._exit(0)": "build() failed at acme_faulty/component.py:12: SystemExit: os._exit(0)",
    "return self.missing": "build() failed at acme_faulty/component.py:12: AttributeError: 'Table' object has no attri",
    f"pulumi.ComponentResource('acme:x:Y', f'thing-{{next(COUNT)}}', None, pulumi.ResourceOptions(parent=self))\n"
    f"return {RIGHT!r}": "resource 'thing-0' is of Pulumi package 'acme', which its spec does not name",
    f"pulumi.CustomResource('postgresql:index/database:Database', 'db', {{}}, pulumi.ResourceOptions(parent=self))\n"
    f"return {RIGHT!r}": "resource 'db' is of Pulumi package 'postgresql', which its spec does not name",
    f"pulumi.CustomResource('alchemesh:local:Directory', f'd{{next(COUNT)}}', {{}}, "
    f"pulumi.ResourceOptions(parent=self))\nreturn {RIGHT!r}": "it declares resource 'd0' in one run of the program",
    f"from pulumi.dynamic import Resource, ResourceProvider\nclass Db(Resource): pass\n"
    f"Db(ResourceProvider(), 'dyn', {{}}, "
    f"pulumi.ResourceOptions(parent=self))\nreturn {RIGHT!r}": "resource 'dyn' is of a dynamic provider of Pulumi, whi",
}


@pytest.mark.parametrize(("build", "sentence"), FAULTS.items(), ids=[text[:45] for text in FAULTS.values()])
def test_a_plan_refuses_a_component_that_cannot_be_deployed(
    product: Any, capsys: pytest.CaptureFixture[str], build: str, sentence: str
) -> None:
    where = product(build)
    assert invoke(["plan", "-C", str(where.directory)]) == ExitCode.FAILED
    reported = capsys.readouterr().err
    assert NAMED + sentence in reported.replace("\n", " ")
    assert "unexpected" not in reported
    assert "author" in reported


def test_a_right_component_of_another_package_is_planned(product: Any, capsys: pytest.CaptureFixture[str]) -> None:
    where = product(f"return {RIGHT!r}")
    assert invoke(["plan", "-C", str(where.directory)]) == ExitCode.DONE
    assert "acme-table" in capsys.readouterr().out


def test_an_import_that_fails_is_attributed(product: Any) -> None:
    where = product("return {}", module="raise ModuleNotFoundError(\"No module named 'acme_driver'\")\n")
    with pytest.raises(ComponentFault) as failed:
        from alchemesh_platform.app.manifest.offline import plan

        plan(where)
    assert failed.value.message == (
        f"{NAMED}its import failed at acme_faulty/component.py:1: ModuleNotFoundError: No module named 'acme_driver'"
    )
    assert failed.value.hint == "report it to the author of acme-faulty"


def test_a_class_without_its_spec_is_attributed(product: Any) -> None:
    """The message was "its start failed: AttributeError: 'Table' object has no attribute 'spec'"."""
    where = product(f"return {RIGHT!r}", module=COMPONENT.replace("    spec = SPEC\n", ""))
    with pytest.raises(ComponentFault) as failed:
        from alchemesh_platform.app.manifest.offline import plan

        plan(where)
    assert failed.value.message == f"{NAMED}its class acme_faulty.component:Table has no spec"
    assert failed.value.hint == "set `spec = SPEC` in the class"


def test_a_check_that_fails_is_a_problem_at_the_line_of_the_component(product: Any, tmp_path: Path) -> None:
    where = product("return {}", more='); SPEC = replace(SPEC, check="acme_faulty.check:check"')
    (tmp_path / "site" / "acme_faulty" / "check.py").write_text("def check(args, settings, wiring):\n    yield 1 / 0\n")
    with pytest.raises(ProblemsFound) as found:
        read_product(where, look=True)
    (problem,) = found.value.problems
    assert problem.message == f"{NAMED}its check failed at acme_faulty/check.py:2: ZeroDivisionError: division by zero"
    assert problem.location.line == MANIFEST.splitlines().index("    storage: {component: columnar-table}") + 1


WITH_CHECK = '); SPEC = replace(SPEC, check="acme_faulty.check:check"'


@pytest.mark.parametrize(
    ("check", "sentence"),
    [
        ("yield 5", "its check yielded an int, expected an Objection"),
        (
            "from alchemesh_platform.sdk.objection import Objection; yield Objection(7)",
            "its check yielded Objection(message=7, at='component', path=(), hint=None), expected an Objection with a "
            "text as message, and a tuple as path",
        ),
        ("import os; yield os._exit(0)", "its check failed at acme_faulty/check.py:2: SystemExit: os._exit(0)"),
        ("raise KeyboardInterrupt", "its check failed at acme_faulty/check.py:2: KeyboardInterrupt: "),
    ],
)
def test_a_check_that_breaks_its_promise_is_a_problem_at_the_line_of_the_component(
    product: Any, tmp_path: Path, check: str, sentence: str
) -> None:
    """`yield 5` was an unexpected error without a place."""
    where = product("return {}", more=WITH_CHECK)
    (tmp_path / "site" / "acme_faulty" / "check.py").write_text(f"def check(args, settings, wiring):\n    {check}\n")
    with pytest.raises(ProblemsFound) as found:
        read_product(where, look=True)
    (problem,) = found.value.problems
    assert (problem.message, problem.hint) == (f"{NAMED}{sentence}", "report it to the author of acme-faulty")
    assert problem.location.line == MANIFEST.splitlines().index("    storage: {component: columnar-table}") + 1


@pytest.mark.parametrize(("kind", "field"), [("arguments", "args"), ("settings", "settings")])
def test_a_validator_that_fails_or_exits_is_a_problem_with_the_name_of_the_component(
    product: Any, tmp_path: Path, kind: str, field: str
) -> None:
    """A `RuntimeError` in it was an unexpected error, and an exit ended the command with exit code 0."""
    module = f"acme_faulty.strict_{field}"
    where = product("return {}", more=f'); SPEC = replace(SPEC, {field}="{module}:Model"')
    (tmp_path / "site" / "acme_faulty" / f"strict_{field}.py").write_text(
        "from pydantic import BaseModel, model_validator\n"
        "class Model(BaseModel):\n"
        "    @model_validator(mode='after')\n"
        "    def end(self): raise SystemExit(0)\n"
    )
    with pytest.raises(ProblemsFound) as found:
        read_product(where, look=True)
    (problem,) = found.value.problems
    place = "output_ports[0].storage.args" if field == "args" else "environments.local.settings"
    named = f"component acme-table 0.3.0 of package acme-faulty, {place}: its model of {kind} failed at acme_faulty/"
    assert problem.message == f"{named}strict_{field}.py:4: SystemExit: 0"
    assert Path(problem.location.file).name == ("alchemesh.yaml" if field == "args" else "platform.yaml")


@pytest.fixture
def hang(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A component can wait for this event, which is set after the test; steps are given up after 0.2 s."""
    waits = threading.Event()
    monkeypatch.setattr(conduct, "waits", waits, raising=False)
    monkeypatch.setattr(conduct, "CALL_SECONDS", 0.2)
    monkeypatch.setattr(fault, "_hung", set())
    yield waits
    waits.set()


WAIT = "from alchemesh_platform.base.packages import conduct; conduct.waits.wait()"


def test_a_check_that_hangs_is_given_up_and_named(product: Any, tmp_path: Path, hang: threading.Event) -> None:
    """`validate` and `preview` waited for ever, and said nothing."""
    where = product("return {}", more=WITH_CHECK)
    (tmp_path / "site" / "acme_faulty" / "check.py").write_text(f"def check(args, settings, wiring):\n    {WAIT}\n")
    for _ in range(2):  # the second time at once
        with pytest.raises(ProblemsFound) as found:
            read_product(where, look=True)
        (problem,) = found.value.problems
        assert problem.message == f"{NAMED}its check does not end within 0.2 s"
    assert not hang.is_set()


def test_a_build_that_hangs_is_given_up_and_named(
    product: Any, hang: threading.Event, capsys: pytest.CaptureFixture[str]
) -> None:
    where = product(WAIT)
    assert invoke(["plan", "-C", str(where.directory)]) == ExitCode.FAILED
    assert f"{NAMED}build() does not end within 0.2 s" in capsys.readouterr().err.replace("\n", " ")
    assert not hang.is_set()


def test_sigterm_ends_a_preview_whose_component_hangs(
    product: Any, tmp_path: Path, hang: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signal was noted, and the command waited for ever. The document has the preview as cancelled."""
    monkeypatch.setattr(conduct, "CALL_SECONDS", 600.0)
    monkeypatch.setattr(conduct, "terminate", lambda: os.kill(os.getpid(), signal.SIGTERM), raising=False)
    where = product(f"from alchemesh_platform.base.packages import conduct; conduct.terminate(); {WAIT}")
    saved = tmp_path / "preview.json"
    command = ["preview", str(where.directory), "--offline", "--save", str(saved)]
    assert invoke(command) == ExitCode.FAILED
    [one] = json.loads(saved.read_text())["previews"]
    assert (one["outcome"], one["error"]["message"]) == ("cancelled", f"{NAMED}build() was stopped by hand")
    assert (hang.is_set(), conduct.is_stopped()) == (False, False)


def test_output_of_a_component_is_on_stderr_with_its_name_and_once(
    product: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three lines before the JSON document; GitHub's runner read `::error::` in one of them as a command."""
    where = product(
        f"print('::error::built'); print('##[error]b', end=''); return {RIGHT!r}",
        more=WITH_CHECK,
    )
    (tmp_path / "site" / "acme_faulty" / "check.py").write_text(
        "print('imported')\n"
        "def check(args, settings, wiring):\n    print('checked password=hunter2xyz')\n    return []\n"
    )
    command = ["preview", str(where.directory), "--offline", "--format", "json"]
    assert invoke(command) == ExitCode.DONE
    out, err = capsys.readouterr()
    assert json.loads(out)["outcome"] == "succeeded"
    lines = [line for line in err.splitlines() if "acme" in line]
    assert lines == [
        "acme_faulty: imported",
        "acme-table: checked password=[secret]",
        "acme-table: ::error::built",
        "acme-table: # #[error]b",
    ]
    assert "✓ retail/sales" in err.splitlines()[4]


LOUD = """\
import os
os.system("echo from a shell")
os.write(1, b"from the descriptor\\n")
"""


def test_descriptor_of_stdout_belongs_to_the_command(product: Any, tmp_path: Path) -> None:
    where = product(f"return {RIGHT!r}", module=LOUD + COMPONENT)
    command = [sys.executable, "-m", "alchemesh_cli", "plan", "-C", str(where.directory), "--json"]
    site = str(tmp_path / "site")
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": site}, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == ExitCode.DONE, done.stderr
    assert json.loads(done.stdout)["product"]
    assert "from a shell\nfrom the descriptor\n" in done.stderr


@pytest.mark.parametrize("end", ["sys.exit(0)", "os._exit(0)"])
@pytest.mark.parametrize("command", [["validate", "-e", "local"], ["plan", "-C"], ["preview", "--save", "saved.json"]])
def test_models_that_end_the_process_end_no_command(
    product: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    end: str,
    command: list[str],
) -> None:
    """Each command ended in silence with exit code 0, and a deployment job was green."""
    module = f"acme_faulty.ends_{end[:2]}"
    where = product("return {}", more=f'); SPEC = replace(SPEC, args="{module}:Args"')
    (tmp_path / "site" / "acme_faulty" / f"ends_{end[:2]}.py").write_text(f"import os, sys\n{end}\n")
    monkeypatch.chdir(tmp_path)
    assert invoke([*command, str(where.directory)]) == ExitCode.FAILED
    said = "0" if end.startswith("sys") else "os._exit(0)"
    named = f"component 'acme-table' of package acme-faulty cannot be used: SystemExit: {said}"
    assert named in capsys.readouterr().err.replace("\n", " ")
    if "--save" in command:
        [one] = json.loads(Path("saved.json").read_text())["previews"]
        assert one["error"]["message"] == named


class _Engine(pulumi.runtime.Mocks):
    """Answers with the inputs, like an engine that deploys."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return f"{args.name}-id", dict(args.inputs)

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize(
    ("tables", "sentence"),
    [
        (
            {"sale": 7},
            "output 'tables.sale' does not fit alchemesh_platform.connections:TablesConnection: input sh",
        ),
        (
            "secret-text",
            "output 'tables' does not fit alchemesh_platform.connections:TablesConnection: input sh",
        ),
    ],
)
def test_a_deployment_checks_the_values_of_outputs_and_does_not_print_them(
    product: Any, tables: object, sentence: str
) -> None:
    where = product(f"return {{**{RIGHT!r}, 'tables': pulumi.Output.from_input({tables!r})}}")
    plan = read_product(where, look=True).plan
    pulumi.runtime.set_mocks(_Engine(), project=plan.project, stack=plan.environment, preview=False)

    @pulumi.runtime.test
    def declare() -> None:
        deploy_product(plan)

    with pytest.raises(Exception, match="component acme-table") as failed:
        declare()
    assert f"{NAMED}{sentence}" in str(failed.value)
    assert json.dumps("secret-text") not in str(failed.value)
    assert "secret-text" not in str(failed.value)


INGESTION = """\
from dataclasses import replace
from alchemesh_components.input_ports.local_files.spec import SPEC as OURS
SPEC = replace(OURS, name="acme-table", version="0.3.0", component="acme_faulty.component:Table", check=None, look=None,
               infer="acme_faulty.check:infer")
"""
READER = """\
kind: DataProduct
name: sales
domain: retail
team: shop
owner: ann@shop.example
version: 1.0.0
source_systems: [tills]
input_ports:
  - {name: sold, from: {source_system: tills}, component: file-ingestion, args: {path: "*.csv", format: csv}}
"""


def test_a_proposal_of_a_schema_that_hangs_is_given_up_and_named(
    product: Any, tmp_path: Path, hang: threading.Event, capsys: pytest.CaptureFixture[str]
) -> None:
    """`ports infer` waited for ever, and said nothing."""
    where = product("return {}")
    package = tmp_path / "site" / "acme_faulty"
    (package / "spec.py").write_text(INGESTION)
    (package / "check.py").write_text(f"def infer(args, settings, wiring):\n    {WAIT}\n")
    (where.directory / "alchemesh.yaml").write_text(READER)
    (where.directory / "platform.yaml").write_text(PLATFORM.replace("columnar-table", "file-ingestion"))
    assert invoke(["ports", "infer", "sold", "-C", str(where.directory)]) == ExitCode.FAILED
    error = " ".join(capsys.readouterr().err.split())
    named = "component acme-table 0.3.0 of package acme-faulty, retail/sales/sold: its proposal of a schema"
    assert f"{named} does not end within 0.2 s" in error
    assert not hang.is_set()


def test_a_shared_stack_whose_component_hangs_is_given_up_before_the_engine_runs(
    product: Any, tmp_path: Path, hang: threading.Event
) -> None:
    """`platform up` waited for ever, and said nothing."""
    product(WAIT)
    known = platform_foundation(load_platform(ROOT / "platforms" / "gcp.yaml", "prod", tmp_path / "home"), discover())
    spec = replace(known.spec, name="acme-table", version="0.3.0", component="acme_faulty.component:Table", check=None)
    stack: Any = SimpleNamespace(foundation=replace(known, spec=spec))
    operator: Any = SimpleNamespace(run=lambda *_, **__: pytest.fail("the engine runs"), recorded=False)
    for operation in ("preview", "up"):
        with pytest.raises(ComponentFault) as given_up:
            _Run(stack, operator, ignore, threading.Event(), False, None)(operation)
        assert given_up.value.message == (
            "component acme-table 0.3.0 of package acme-faulty, mesh/platform/foundation: "
            "build() does not end within 0.2 s"
        )
    assert not hang.is_set()


@pytest.mark.slow("it imports the SDK of Google Cloud")
def test_the_program_of_a_shared_stack_runs_without_the_engine(tmp_path: Path) -> None:
    known = platform_foundation(load_platform(ROOT / "platforms" / "gcp.yaml", "prod", tmp_path / "home"), discover())
    found = {each.urn.rpartition("::")[2]: each.type for each in registered_foundation(known)}
    assert found["platform-products"] == "gcp:artifactregistry/repository:Repository"
    assert "platform-record" not in found
