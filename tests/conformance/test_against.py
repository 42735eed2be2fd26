"""A package against an earlier release: manifests stay valid, and no resource is replaced or deleted silently."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.testing.deployed.against import check_against
from alchemesh_platform.testing.deployed.release import NoRelease, release
from alchemesh_platform.testing.package import Package, find_package

pytestmark = pytest.mark.engine

SPEC = """\
from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="NAME", component_type="acme-folder", roles=(Role.STORAGE,), summary="A folder.", version="1.0.0",
    maturity="beta", owner="acme", stateful=True, component="acme_against.NAME.component:Folder",
    args="acme_against.NAME.component:Args", settings="alchemesh_components.local.settings:Settings",
    outputs="alchemesh_platform.connections:FilesConnection", provides="acme-folder",
)
"""
COMPONENT = """\
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pulumi
from pydantic import Field

from acme_against.NAME.spec import SPEC
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.sdk.models import Strict
from alchemesh_platform.systems.local.resources import Directory


class Args(Strict):
    mode: Literal["fast", "safe"] = Field(default="safe", description="Mode.")


class Folder(Component[Any, Any]):
    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        path = str(Path(self.settings.local.root, self.wiring.port))
        folder = Directory(f"{self.name}-folder", path=path, owner=self.wiring.address, opts=self.child_options)
        return {"kind": "files", "url": folder.url, "format": None}
"""
CASE = """\
cases:
  - name: a folder
    resource_name: raw
    settings: {local: {root: "{folder}/data", run: "{folder}/run"}}
    engine: {}
    computed: {"alchemesh:local:Directory": {url: "file:///data"}}
    resources: []
    outputs: {}
"""
NEW = '    mode: Literal["fast", "safe"] = Field(default="safe", description="Mode.")\n'
# Component: the part of its code that the new release changes, and the new text.
CHANGES = {
    "same": ("", ""),
    "demanding": (NEW, NEW + '    size: int = Field(description="Size.")\n'),
    "narrow": ('Literal["fast", "safe"]', 'Literal["safe"]'),
    "renamed": ('f"{self.name}-folder"', 'f"{self.name}-directory"'),
    "moved": ("self.wiring.port))", 'self.wiring.port, "files"))'),
    "aliased": (
        'Directory(f"{self.name}-folder", path=path, owner=self.wiring.address, opts=self.child_options)',
        'Directory(f"{self.name}-directory", path=path, owner=self.wiring.address, '
        'opts=pulumi.ResourceOptions(parent=self, aliases=[pulumi.Alias(name=f"{self.name}-folder")]))',
    ),
    "announced": ("self.wiring.port))", 'self.wiring.port, "files"))'),
    "gone": ("", ""),
}
EXPECTED = {
    ("demanding", "no-new-demand", "args.size is required now"),
    ("narrow", "no-new-demand", "args.mode no longer accepts 'fast'"),
    ("gone", "no-new-demand", "the release 1.0.0 has the component 'gone', and this one does not"),
}


def write(folder: Path, version: str) -> None:
    """Write a release of the package."""
    package = folder / "acme_against"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    names = [name for name in CHANGES if version == "1.0.0" or name != "gone"]
    for name in names:
        old, new = CHANGES[name] if version != "1.0.0" else ("", "")
        (package / name).mkdir()
        (package / name / "__init__.py").write_text("")
        (package / name / "spec.py").write_text(SPEC.replace("NAME", name))
        (package / name / "component.py").write_text(COMPONENT.replace("NAME", name).replace(old or "\0", new))
        case = CASE if name in ("moved", "aliased") else CASE.replace("    engine: {}\n", "")
        (package / name / "case.yml").write_text(case.replace("raw", name))
    entries = "\n".join(f'{name} = "acme_against.{name}.spec:SPEC"' for name in names)
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "acme-against"\nversion = "{version}"\n\n'
        f'[project.entry-points."alchemesh.components"]\n{entries}\n'
    )
    (folder / "CHANGELOG.md").write_text(
        "## 2.0.0\n\n- The folder `announced-folder` is replaced.\n\n## 1.0.0\n\n- renamed\n"
    )


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the earlier release."""
    folder = tmp_path_factory.mktemp("old")
    write(folder, "1.0.0")
    return folder


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Package]:
    """The new release."""
    folder = tmp_path_factory.mktemp("new")
    write(folder, "2.0.0")
    path = list(sys.path)
    yield find_package(folder)
    sys.path[:] = path


def test_a_release_that_demands_more_or_replaces_resources_is_found(package: Package, old: Path) -> None:
    found = list(check_against(package, str(old), engine=True))
    shown = {(each.component, each.rule, each.what.replace(str(old), "1.0.0")) for each in found}
    assert shown >= EXPECTED
    others = [each for each in found if each.rule != "no-new-demand"]
    assert {each.component for each in others} == {"renamed", "moved"}
    assert {each.component for each in found} == {"demanding", "narrow", "gone", "renamed", "moved"}
    [renamed] = [each for each in others if each.component == "renamed"]
    assert renamed.what == "alchemesh:local:Directory 'renamed-folder' would be deleted: it is no longer declared"
    [declared, *previewed] = [each.what for each in others if each.component == "moved"]
    assert declared.startswith("alchemesh:local:Directory 'moved-folder' would be replaced: path changes from")
    assert "the preview has replace of alchemesh:local:Directory 'moved-folder' for path" in previewed


def test_a_wheel_is_an_earlier_release(old: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "acme_against-1.0.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        for each in sorted(old.rglob("*")):
            if each.is_file() and each.suffix in (".py", ".yml"):
                file.write(each, each.relative_to(old))
        entries = "[alchemesh.components]\nsame = acme_against.same.spec:SPEC\n"
        file.writestr("acme_against-1.0.0.dist-info/entry_points.txt", entries)
    with release("acme-against", str(wheel)) as found:
        assert found.version == "1.0.0"
        assert [entry.value for entry in found.entries] == ["acme_against.same.spec:SPEC"]
        assert (found.folder / "acme_against" / "same" / "case.yml").is_file()


def test_a_release_that_cannot_be_found_is_an_error_with_a_fix(tmp_path: Path) -> None:
    (tmp_path / "no.whl").write_text("no zip")
    with pytest.raises(NoRelease, match="is no wheel") as raised, release("acme", str(tmp_path / "no.whl")):
        pass
    assert raised.value.hint == "name a version, a wheel or a folder"
    with pytest.raises(NoRelease, match="registers no component"), release("acme", str(tmp_path)):
        pass
