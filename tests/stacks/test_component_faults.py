"""A component of another package that breaks its promises: the report names component, package, port and field."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

import pulumi
import pytest

from alchemesh_cli.main import invoke
from alchemesh_platform.app.programs import deploy_product
from alchemesh_platform.app.where import Where, read_product
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.base.problems import ProblemsFound
from alchemesh_platform.sdk.fault import ComponentFault

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
        from alchemesh_platform.app.offline import plan

        plan(where)
    assert failed.value.message == (
        f"{NAMED}its import failed at acme_faulty/component.py:1: ModuleNotFoundError: No module named 'acme_driver'"
    )
    assert failed.value.hint == "report it to the author of acme-faulty"


def test_a_check_that_fails_is_a_problem_at_the_line_of_the_component(product: Any, tmp_path: Path) -> None:
    where = product("return {}", more='); SPEC = replace(SPEC, check="acme_faulty.check:check"')
    (tmp_path / "site" / "acme_faulty" / "check.py").write_text("def check(args, settings, wiring):\n    yield 1 / 0\n")
    with pytest.raises(ProblemsFound) as found:
        read_product(where, look=True)
    (problem,) = found.value.problems
    assert problem.message == f"{NAMED}its check failed at acme_faulty/check.py:2: ZeroDivisionError: division by zero"
    assert problem.location.line == MANIFEST.splitlines().index("    storage: {component: columnar-table}") + 1


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
