"""Discovering components of installed packages: real packages in a separate folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from alchemesh_platform.base.packages.installed import entry_points
from alchemesh_platform.catalog.discover import GROUP, BrokenComponent, Catalog, catalog_of
from alchemesh_platform.documents.models import Strict
from alchemesh_platform.sdk.spec import ComponentSpec
from tests.builtin import ROOT, builtin_catalog

SPEC = """
from alchemesh_platform.sdk.spec import ComponentSpec, Role
SPEC = ComponentSpec(
    name={name!r}, component_type="object-storage", roles=(Role.STORAGE,), summary="Files elsewhere.", version="1.0.0",
    maturity="beta", owner="acme", stateful=True, component="m:C", args="m:A", settings="m:S", outputs="m:O",
)
"""


def install(folder: Path, package: str, modules: dict[str, str], entries: dict[str, str]) -> None:
    """Install a package the way a wheel does: modules, and metadata with entry points."""
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    metadata = folder / f"{package.replace('-', '_')}-1.0.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0.0\n")
    declared = "\n".join(f"{name} = {value}" for name, value in entries.items())
    (metadata / "entry_points.txt").write_text(f"[{GROUP}]\n{declared}\n")


def found(folder: Path) -> Catalog:
    return catalog_of(entry_points(GROUP, [str(folder)]))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_component_of_a_third_party_package_is_discovered(site: Path) -> None:
    install(site, "acme-files", {"acme_files": SPEC.format(name="acme-files")}, {"acme-files": "acme_files:SPEC"})
    catalog = found(site)
    assert list(catalog) == ["acme-files"]
    assert catalog["acme-files"].owner == "acme"


def test_listing_names_imports_nothing(site: Path) -> None:
    install(site, "acme-lazy", {"acme_lazy": "raise RuntimeError('imported')"}, {"acme-lazy": "acme_lazy:SPEC"})
    catalog = found(site)
    assert (list(catalog), "acme-lazy" in catalog, len(catalog)) == (["acme-lazy"], True, 1)
    assert "acme_lazy" not in sys.modules


@pytest.mark.parametrize(
    ("module", "text", "said"),
    [
        ("acme_fails", "raise RuntimeError('no licence')", "cannot be loaded: RuntimeError: no licence"),
        ("acme_empty", "", "cannot be loaded: AttributeError"),
        ("acme_syntax", "def", "cannot be loaded: SyntaxError"),
        ("acme_exits", "import sys; sys.exit(7)", "cannot be loaded: SystemExit: 7"),
        ("acme_other", "SPEC = 3", "is a int, expected a ComponentSpec"),
        ("acme_name", SPEC.format(name="another"), "has the name 'another', expected the name of its entry point"),
    ],
)
def test_broken_component_names_its_package_and_does_not_hide_the_others(
    site: Path, module: str, text: str, said: str
) -> None:
    good = f"{module}_good"
    install(site, "acme-good", {good: SPEC.format(name="good")}, {"good": f"{good}:SPEC"})
    install(site, "acme-bad", {module: text}, {"bad": f"{module}:SPEC"})
    catalog = found(site)
    with pytest.raises(BrokenComponent) as broken:
        catalog["bad"]
    assert broken.value.message.startswith(f"component 'bad' of package acme-bad ({module}:SPEC)")
    assert said in broken.value.message
    assert broken.value.hint is not None
    assert "acme-bad" in broken.value.hint
    specs, failures = catalog.loaded()
    assert [spec.name for spec in specs] == ["good"]
    assert len(failures) == 1


def test_component_of_a_missing_module_is_reported(site: Path) -> None:
    install(site, "acme-gone", {}, {"gone": "acme_gone.spec:SPEC"})
    with pytest.raises(BrokenComponent, match="ModuleNotFoundError: No module named 'acme_gone'"):
        found(site)["gone"]


def test_name_that_two_packages_offer_names_both(site: Path) -> None:
    for package in ("acme-one", "acme-two"):
        module = package.replace("-", "_")
        install(site, package, {module: SPEC.format(name="files")}, {"files": f"{module}:SPEC"})
    catalog = found(site)
    assert list(catalog) == ["files"]
    with pytest.raises(BrokenComponent, match="component 'files' is offered more than once, by acme-one and acme-two"):
        catalog["files"]


def test_unknown_component_is_a_missing_key(site: Path) -> None:
    with pytest.raises(KeyError):
        found(site)["nothing"]


def test_spec_is_loaded_once(site: Path) -> None:
    calls = []
    install(site, "acme-once", {"acme_once": SPEC.format(name="once")}, {"once": "acme_once:SPEC"})
    spec = found(site)["once"]

    def load() -> ComponentSpec:
        calls.append(1)
        return spec

    catalog = Catalog({"once": load})
    assert catalog["once"] is catalog["once"]
    assert calls == [1]


def test_components_of_installed_packages_are_discovered(site: Path) -> None:
    install(site, "acme-real", {"acme_real": SPEC.format(name="real")}, {"real": "acme_real:SPEC"})
    program = (
        "import json; from alchemesh_platform.catalog.discover import discover; print(json.dumps(list(discover())))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "real" in json.loads(run.stdout)


@pytest.mark.parametrize("name", builtin_catalog())
def test_built_in_component_has_models_that_are_described(name: str) -> None:
    spec = builtin_catalog()[name]
    assert spec.summary.endswith(".")
    for model in (spec.args_model(), spec.settings_model()):
        assert issubclass(model, Strict)
        assert all(field.description for field in model.model_fields.values()), model


@pytest.mark.parametrize("group", sorted(metadata.entry_points().groups))
def test_entry_points_are_those_that_importlib_finds(group: str) -> None:
    """Every package of this environment is a case."""
    ours = sorted((entry.name, entry.value) for entry in entry_points(group))
    theirs = sorted((entry.name, entry.value.partition("[")[0].strip()) for entry in metadata.entry_points(group=group))
    assert ours == theirs


def test_a_package_found_twice_counts_once(tmp_path: Path) -> None:
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        install(tmp_path / folder, "acme-twice", {}, {"twice": f"acme_{folder}:SPEC"})
    found_twice = entry_points(GROUP, [str(tmp_path / "first"), str(tmp_path / "second"), str(tmp_path / "none")])
    assert [entry.value for entry in found_twice] == ["acme_first:SPEC"]


def test_a_component_is_found_by_its_former_name_and_listed_by_its_current_one() -> None:
    catalog = builtin_catalog()
    assert "roapi" in catalog
    assert catalog["roapi"] is catalog["postgresql-serving"]
    assert "roapi" not in list(catalog)
    assert "postgresql-serving" in list(catalog)
    assert catalog["postgresql-serving"].type_in_state == "roapi", "a new type would re-create what is deployed"
