"""The conformance kit deploys cases with the real engine: it finds each fault of a deployment."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.testing.deployed.deployment import check_deployment
from alchemesh_platform.testing.finding import RULES, Finding
from alchemesh_platform.testing.package import Package, find_package
from tests.builtin import ROOT

pytestmark = pytest.mark.engine

FILES = {
    "spec": """\
from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="NAME",
    component_type="acme-folder",
    roles=(Role.STORAGE,),
    summary="A folder.",
    version="1.0.0",
    maturity="beta",
    owner="acme",
    stateful=True,
    component="acme_deployed.NAME.component:Folder",
    args="alchemesh_components.infrastructure.local_directory.models:Args",
    settings="alchemesh_components.local.settings:Settings",
    outputs="alchemesh_platform.connections:FilesConnection",
    provides="acme-folder",
    guards=True,
)
""",
    "component": """\
from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pulumi

from acme_deployed.NAME.spec import SPEC
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.systems.local.resources import Directory


class Folder(Component[Any, Any]):
    spec = SPEC

    def folder(self, name: str, **inputs: Any) -> Directory:
        path = Path(self.settings.local.root, name)
        owner = self.wiring.address
        return Directory(f"{self.name}-{name}", path=str(path), owner=owner, opts=self.child_options, **inputs)
BODY
""",
    "case": """\
cases:
  - name: a folder
    resource_name: raw
    settings: {local: {root: "{folder}/data", run: "{folder}/run"}}
    grant: {request: req-1, kind: user, address: bo@acme.example}
    engine:
      data: {data/rows/a.csv: "id\\n", data/lost/a.csv: "id\\n", data/req-1/a.csv: "id\\n"}
      kept: [KEPT]
    resources: []
    outputs: {}
""",
}
# Everything but the creation is wrong: each preview removes a folder and changes another one, a folder with rows is
# deleted, one without `kept` stays, and the grant's folder outlives the grant.
CARELESS = """
    def build(self) -> Mapping[str, Any]:
        self.folder("rows", keep_on_delete=True)
        self.folder("lost", keep_on_delete=False)
        self.folder("late", retention_seconds=int(time.time() * 1000))
        drifted = self.folder("drifted")
        if pulumi.runtime.is_dry_run():
            shutil.rmtree(Path(self.settings.local.root, "drifted"), ignore_errors=True)
        return {"kind": "files", "url": drifted.url, "format": None}

    def grant(self, consumer: Consumer) -> Sequence[pulumi.Resource]:
        return [self.folder(consumer.request, keep_on_delete=True)]
"""
# The component refuses what a killed deployment of its own left.
ONCE = """
    def build(self) -> Mapping[str, Any]:
        begun = Path(self.settings.local.root, "begun")
        if not pulumi.runtime.is_dry_run():
            begun.mkdir(parents=True)
        return {"kind": "files", "url": self.folder("rows").url, "format": None}

    def grant(self, consumer: Consumer) -> Sequence[pulumi.Resource]:
        return ()
"""
UNUSABLE = """
    def build(self) -> Mapping[str, Any]:
        Directory(f"{self.name}-x", path="relative", owner="x", opts=self.child_options)
        return {"kind": "files", "url": "file:///x", "format": None}
"""
BODIES = {"careless": (CARELESS, "raw-lost"), "once": (ONCE, "raw-rows"), "unusable": (UNUSABLE, "raw-x")}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Package]:
    """A package with one component for each fault."""
    folder = tmp_path_factory.mktemp("deployed")
    (folder / "acme_deployed").mkdir()
    (folder / "acme_deployed" / "__init__.py").write_text("")
    for name, (body, kept) in BODIES.items():
        part = folder / "acme_deployed" / name
        part.mkdir()
        (part / "__init__.py").write_text("")
        for file, text in FILES.items():
            written = text.replace("BODY", body).replace("NAME", name).replace("KEPT", kept)
            (part / ("case.yml" if file == "case" else f"{file}.py")).write_text(written)
    entries = "\n".join(f'{name} = "acme_deployed.{name}.spec:SPEC"' for name in BODIES)
    project = f'[project]\nname = "acme"\n\n[project.entry-points."alchemesh.components"]\n{entries}\n'
    (folder / "pyproject.toml").write_text(project)
    path = list(sys.path)
    yield find_package(folder)
    sys.path[:] = path


def findings_of(package: Package, name: str) -> list[Finding]:
    [component] = [each for each in package.components if each.name == name]
    assert component.cases is not None
    [case, *_] = [case for case in component.cases.cases if case.engine is not None]
    return check_deployment(component, case)


def test_a_component_of_ours_keeps_every_rule_of_a_deployment() -> None:
    ours = find_package(Path(ROOT, "components/alchemesh_components/infrastructure/local_directory"))
    assert findings_of(ours, "local-directory") == []


def test_each_fault_of_a_deployment_is_found(package: Package) -> None:
    found = {(each.rule, each.what) for each in findings_of(package, "careless")}
    for rule, what in (
        (
            "second-preview-is-empty",
            "a second preview has update of alchemesh:local:Directory 'raw-late': retentionSeconds",
        ),
        ("refresh-finds-no-drift", "a refresh has delete of alchemesh:local:Directory 'raw-drifted': no property"),
        ("grant-is-revocable", "alchemesh:local:Directory 'raw-req-1' still exists after the end of the grant"),
        (
            "destroy-removes-the-rest",
            "alchemesh:local:Directory 'raw-rows' still exists after `destroy`, and `kept` of the case does not "
            "name it",
        ),
        (
            "data-is-kept",
            "alchemesh:local:Directory 'raw-lost' is gone after `destroy`, and `kept` of the case names it",
        ),
    ):
        assert (rule, what) in found, "\n".join(map(str, sorted(found)))


def test_a_deployment_that_does_not_resume_after_a_kill_is_found(package: Package) -> None:
    rules = {each.rule: each.what for each in findings_of(package, "once")}
    assert "File exists" in rules["grant-is-revocable"], "a second deployment fails too"
    assert "the deployment after a killed one failed" in rules["killed-run-converges"]


def test_a_deployment_that_fails_is_reported_with_its_reason(package: Package) -> None:
    [finding] = findings_of(package, "unusable")
    assert finding.rule == "deployment-succeeds"
    assert "expected an absolute path" in finding.what
    assert finding.why == RULES["deployment-succeeds"].why
