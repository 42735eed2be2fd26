"""`components list`, `check` and `docs` with packages of others: each fault has a name, a package and a fix."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any

import pytest
import yaml
from pydantic import BaseModel, Field

from alchemesh_cli.main import invoke
from alchemesh_platform.app.components.pages import BEGIN, END
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.base.files.home import HOME_VARIABLE
from alchemesh_platform.base.packages.extras import install_command
from alchemesh_platform.base.packages.installed import damaged_packages
from alchemesh_platform.catalog.discover import GROUP, discover
from alchemesh_platform.catalog.field_table import field_rows, written_schema
from alchemesh_platform.catalog.page import component_cases, component_page, example_manifest, example_platform
from alchemesh_platform.compose.check import all_problems
from alchemesh_platform.compose.resolve import resolve
from alchemesh_platform.documents.document import node_of
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.sdk.spec import FOUNDATIONS, Role
from tests.app.small import small_product
from tests.builtin import ROOT, builtin_catalog
from tests.catalog.packages import install_files
from tests.catalog.test_discover import SPEC, install

__all__ = ["all_problems"]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages, and an empty cache."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(folder))
    return folder


def test_list_names_each_faulty_package_on_stderr_and_lists_the_others(
    site: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    install_files(site, "good")
    install(site, "acme-bad", {"acme_bad": "raise RuntimeError('no licence')"}, {"bad": "acme_bad:SPEC"})
    for package in ("acme-one", "acme-two"):
        module = package.replace("-", "_")
        install(site, package, {module: SPEC.format(name="twice")}, {"twice": f"{module}:SPEC"})
    loud = "print('hello')\n" + SPEC.format(name="loud").replace("Files elsewhere.", "")
    install(site, "acme-loud", {"acme_loud": loud}, {"loud": "acme_loud:SPEC"})
    assert invoke(["components", "list", "--json"]) == ExitCode.DONE
    out, err = capfd.readouterr()
    names = [each["name"] for each in json.loads(out)]
    assert {"good", "loud", "delta-table"} <= {*names}
    assert not {"bad", "twice"} & {*names}
    for fault in (
        "error: component 'bad' of package acme-bad (acme_bad:SPEC) cannot be loaded: RuntimeError: no licence",
        "error: component 'twice' is offered more than once, by acme-one and acme-two",
        "warning: component 'loud' of package acme-loud has no summary in its spec",
        "warning: component 'loud' of package acme-loud prints when its spec is imported: 'hello'",
    ):
        assert f"{fault}\n\nhint: " in err


def test_check_names_promises_that_a_component_breaks(site: Path, capfd: pytest.CaptureFixture[str]) -> None:
    install_files(site, "good")
    install_files(site, "silent", change=('str = Field(description="Name of the folder.")', "str"))
    install_files(
        site, "odd", change=("folder: str", "call: Callable[[], int] = Field(default=print)\n    folder: str")
    )
    install_files(
        site, "named", change=("folder: str", 'urn: str = Field(default="", description="U.")\n    folder: str')
    )
    boxes = "".join(
        f"class {name}(Strict):\n    {name.lower()}: str = Field(description='A box.')\n"
        for name in ("Box", "Box_", "Box__")
    )
    uses = "".join(
        f"    b{at}: {name} | None = Field(default=None, description='B.')\n"
        for at, name in enumerate(("Box", "Box_", "Box__"))
    )
    install_files(site, "same", change=("class Args(Strict):\n", f"{boxes}\nclass Args(Strict):\n{uses}"))
    install_files(site, "lies", change=('return {"url": folder.url}', 'return {"address": folder.url}'))
    install_files(site, "wrong", change=('return {"url": folder.url}', 'return {"url": 3}'))
    install_files(site, "speaks", role="PROXY", protocols='("sql",)')
    install_files(site, "gone", change=("class Settings(Strict)", "class Other(Strict)"))
    install_files(site, "loud", change=("class Settings", "print('models')\nclass Settings"))
    install_files(site, "latest", change=("stateful=True,", 'stateful=True, version="latest",'))
    install_files(site, "typed", change=('component_type="file-storage"', 'component_type="File Storage"'))
    install_files(site, "9th")
    install_files(site, "bare", change=("    spec = SPEC\n", ""))
    install_files(site, "other", change=("    spec = SPEC\n", "    spec = dataclasses.replace(SPEC, name='raw')\n"))
    component = site / "acme_other" / "component.py"
    component.write_text(f"import dataclasses\n{component.read_text()}")
    install_files(site, "plain", change=('"acme_plain.component:Files"', '"acme_plain.component"'))
    names = ["good", "silent", "odd", "named", "same", "lies", "wrong", "speaks", "gone", "loud"]
    names += ["latest", "typed", "9th", "bare", "other", "plain"]
    assert invoke(["components", "check", *names, "--json"]) == ExitCode.FAILED
    report = json.loads(capfd.readouterr().out)
    assert report["checked"] == names
    found = {(each["component"], each["check"], each["severity"]): each["message"] for each in report["findings"]}
    assert all(each["hint"] and each["package"] == f"acme-{each['component']}" for each in report["findings"])
    messages = {
        ("silent", "descriptions", "warning"): "args: field folder has no description",
        ("odd", "schema", "error"): (
            "args acme_odd.models:Args has no JSON Schema, so neither an editor nor Pulumi can express it: "
            "Cannot generate a JsonSchema for core_schema.CallableSchema"
        ),
        ("named", "schema", "error"): "args: field urn has a name that Pulumi cannot express",
        ("same", "schema", "error"): (
            "Pulumi's package schema cannot express the component: ValueError: two types of Same are named Box"
        ),
        ("lies", "outputs", "error"): (
            "case 'in a folder': ComponentFault: component lies of package acme-lies, aviation/flights/raw: output "
            "'url' is missing, expected every required field of acme_lies.models:Outputs"
        ),
        ("wrong", "outputs", "error"): "case 'in a folder': ComponentFault: component wrong",
        ("speaks", "outputs", "error"): (
            "the spec offers the protocol 'sql', and acme_speaks.models:Outputs has no field for its address"
        ),
        ("gone", "references", "error"): "settings acme_gone.models:Settings cannot be loaded: AttributeError: ",
        ("loud", "printing", "warning"): "a module prints when it is imported: 'models'",
        ("latest", "versions", "error"): "version: found 'latest', expected a version such as 1.2.0; it is in no range",
        ("typed", "names", "error"): "component_type: found 'File Storage', expected small letters, digits and single",
        ("9th", "names", "error"): "name: found '9th', expected small letters, digits and single hyphens",
        ("bare", "references", "error"): "component acme_bare.component:Files has no spec, expected that of the",
        ("other", "references", "error"): "component acme_other.component:Files has the spec of 'raw', expected that",
        ("plain", "references", "error"): (
            "component acme_plain.component cannot be loaded: ValueError: found 'acme_plain.component', expected "
            "MODULE:NAME"
        ),
    }
    assert found.keys() == messages.keys()
    for key, message in messages.items():
        assert found[key].startswith(f"component {key[0]!r} of package acme-{key[0]}: {message}")


def test_check_names_packages_that_cannot_be_loaded(site: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for package in ("acme-one", "acme-two"):
        module = package.replace("-", "_")
        install(site, package, {module: SPEC.format(name="twice")}, {"twice": f"{module}:SPEC"})
    install(site, "acme-new", {"acme_new": SPEC.format(name="new")}, {"new": "acme_new:SPEC"})
    [metadata] = site.glob("acme_new-*/METADATA")
    metadata.write_text(f"{metadata.read_text()}Requires-Dist: alchemesh-platform>=99\n")
    assert invoke(["components", "check", "twice", "new", "--json"]) == ExitCode.FAILED
    new, twice = json.loads(capfd.readouterr().out)["findings"]
    assert (new["package"], new["check"], new["severity"]) == ("acme-new", "loading", "error")
    assert "component 'new' of package acme-new 1.0.0 needs alchemesh-platform >=99, found " in new["message"]
    assert (twice["package"], twice["check"]) == ("acme-one, acme-two", "loading")
    assert twice["message"] == "component 'twice' is offered more than once, by acme-one and acme-two"
    assert twice["hint"] == "a name belongs to one package: uninstall one of them, or have its author rename it"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            b"[alchemesh.components\nx = x:X\n",
            "has the line '[alchemesh.components', expected '[alchemesh.components]'",
        ),
        (b"alchemesh.components]\n=\n", "has the line 'alchemesh.components]', expected '[alchemesh.components]'"),
        (b"[alchemesh.components]\nx\xff = x:X\n", "is no text: invalid start byte at byte 24"),
    ],
)
def test_check_names_a_package_whose_entry_points_are_damaged(
    site: Path, capfd: pytest.CaptureFixture[str], content: bytes, sentence: str
) -> None:
    """`components check` did not name it, and ended with exit code 0."""
    install(site, "acme-torn", {}, {})
    [file] = site.glob("acme_torn-*/entry_points.txt")
    file.write_bytes(content)
    [(package, found)] = damaged_packages(GROUP)
    assert (package, found) == ("acme-torn", f"its entry_points.txt {sentence}")


def test_check_fails_for_a_package_whose_entry_points_are_damaged(
    site: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(site, "acme-torn", {}, {})
    [file] = site.glob("acme_torn-*/entry_points.txt")
    file.write_text("[alchemesh.components\n")
    monkeypatch.setattr("alchemesh_platform.catalog.discover.entry_points", lambda group: [])
    assert invoke(["components", "check"]) == ExitCode.FAILED
    assert capfd.readouterr().out == (
        "error: loading: package acme-torn: its entry_points.txt has the line '[alchemesh.components', expected "
        "'[alchemesh.components]'\n\nhint: reinstall or uninstall acme-torn\n\n"
        "0 checked, 0 without a finding, 1 with errors\n"
    )


def test_check_of_a_right_component_finds_nothing(site: Path, capfd: pytest.CaptureFixture[str]) -> None:
    install_files(site, "good")
    assert invoke(["components", "check", "file-storage"]) == ExitCode.DONE
    assert capfd.readouterr().out == "1 checked, 1 without a finding, 0 with errors\n"


@pytest.mark.slow  # it imports the SDKs of clouds
def test_check_of_the_components_of_the_platform_finds_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    assert invoke(["components", "check", *builtin_catalog()]) == ExitCode.DONE
    total = len(builtin_catalog())
    assert capfd.readouterr().out == f"{total} checked, {total} without a finding, 0 with errors\n"


@pytest.mark.parametrize("verb", ["check", "docs", "show"])
def test_unknown_component_names_a_similar_one(verb: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert invoke(["components", verb, "delta-tabel"]) == ExitCode.USAGE
    err = capfd.readouterr().err
    assert "error: no component or component type 'delta-tabel'" in err
    assert "hint: did you mean 'delta-table'? `alchemesh components list` shows all" in err


def test_component_whose_models_fail_does_not_break_the_commands_that_use_others(
    site: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A package that implemented a common type and could not be imported broke `validate` of every product."""
    changed = ("class Args(Strict)", "raise RuntimeError('no licence')\nclass Args(Strict)")
    install_files(site, "fails", change=changed)
    spec = site / "acme_fails" / "spec.py"
    spec.write_text(spec.read_text().replace("file-storage", "columnar-table"))
    monkeypatch.setenv(HOME_VARIABLE, str(site / "home"))
    small_product(site, "orders")
    assert invoke(["validate", str(site / "orders")]) == ExitCode.DONE
    (site / "orders" / "platform.yaml").write_text(
        "kind: Platform\nname: acme\nenvironments:\n  local:\n    extends: builtin/local\n"
        "    components: {columnar-table: fails}\n"
    )
    named = "component 'fails' of package acme-fails cannot be used: RuntimeError: no licence"
    capfd.readouterr()
    assert invoke(["schema", "-C", str(site / "orders")]) == ExitCode.DONE
    out, err = capfd.readouterr()
    assert "file-ingestion" in json.loads(out)["$defs"]["InputPort"]["properties"]["component"]["else"]["enum"]
    assert f"warning: left out: {named}" in err
    for command in (["plan", "-C", str(site / "orders")], ["components", "show", "fails"]):
        assert invoke(command) == ExitCode.FAILED
        err = capfd.readouterr().err
        assert f"error: {named}" in err
        assert "hint: reinstall or uninstall acme-fails, or report this to its author" in err


def test_show_has_the_package_and_the_permissions(site: Path, capfd: pytest.CaptureFixture[str]) -> None:
    install_files(site, "good")
    assert invoke(["components", "show", "good", "--json"]) == ExitCode.DONE
    document = json.loads(capfd.readouterr().out)
    assert (document["schema"], document["extras"]) == ("alchemesh/component/1", [])
    assert (document["package"], document["version"]) == ("acme-good", "1.0.0")
    assert document["permissions"] == [{"name": "acme.files.write", "description": "The folder."}]
    assert invoke(["components", "show", "good"]) == ExitCode.DONE
    shown = capfd.readouterr().out
    assert "acme.files.write" in shown
    assert re.search(r"^package +acme-good$", shown, re.MULTILINE)


def test_show_has_the_missing_extras_with_the_command_that_installs_them(
    site: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    extra = "alchemesh-platform[nowhere]"
    install_files(site, "good", change=("stateful=True,", f'stateful=True, extras=("{extra}",),'))
    assert invoke(["components", "show", "good"]) == ExitCode.DONE
    fixed = install_command(extra)
    assert f"{extra}; not installed: run `{fixed}`" in " ".join(capfd.readouterr().out.split())


def test_list_has_the_packages_if_there_are_several(site: Path, capfd: pytest.CaptureFixture[str]) -> None:
    install_files(site, "good")
    assert invoke(["components", "list"]) == ExitCode.DONE
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].split()[:5] == ["COMPONENT", "TYPE", "COMPONENT", "VERSION", "PACKAGE"]
    assert next(line for line in lines if line.startswith("file-storage")).split()[1:4] == [
        "good",
        "1.0.0",
        "acme-good",
    ]


@pytest.fixture
def chosen(site: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A product whose environment has a table of its own, with an argument that no other table has."""
    install_files(site, "own")
    spec = site / "acme_own" / "spec.py"
    spec.write_text(spec.read_text().replace("file-storage", "columnar-table"))
    monkeypatch.setenv(HOME_VARIABLE, str(site / "home"))
    small_product(site, "orders")
    (site / "orders" / "platform.yaml").write_text(
        "kind: Platform\nname: acme\nenvironments:\n  local:\n    extends: builtin/local\n"
        "    components: {columnar-table: own}\n"
    )
    return site / "orders"


def with_args(product: Path, args: str) -> None:
    manifest = product / "alchemesh.yaml"
    text = manifest.read_text().replace("{component: columnar-table}", f"{{component: columnar-table, args: {args}}}")
    manifest.write_text(text)


def test_validate_checks_arguments_for_the_components_of_the_platform_file(
    chosen: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """`validate` accepted what the platform's own table takes, and `up` refused it."""
    with_args(chosen, "{partition_by: [order_id]}")
    assert invoke(["validate", str(chosen)]) == ExitCode.PROBLEMS
    err = capfd.readouterr().err
    assert "output_ports[0].storage.args.partition_by: found an unknown key, expected a key of the args" in err
    assert "hint: allowed: folder" in err


def test_validate_accepts_arguments_that_another_environment_takes(
    chosen: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with_args(chosen, "{partition_by: order_id}")
    file = chosen / "platform.yaml"
    file.write_text(
        f"{file.read_text()}  test:\n    extends: builtin/local\n    components: {{columnar-table: delta-table}}\n"
    )
    assert invoke(["validate", str(chosen)]) == ExitCode.DONE
    (chosen / "alchemesh.local.yaml").write_text("description: Here\n")
    assert invoke(["validate", str(chosen)]) == ExitCode.PROBLEMS, "the overlay of local has the table of local"
    assert "output_ports[0].storage.args.partition_by: found an unknown key" in capfd.readouterr().err


def test_validate_knows_a_platform_file_with_another_name(chosen: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = (chosen / "platform.yaml").rename(chosen / "acme.yaml")
    assert invoke(["validate", str(file)]) == ExitCode.DONE
    file.write_text(file.read_text().replace("environments:", "enviroments:"))
    assert invoke(["validate", str(file)]) == ExitCode.PROBLEMS
    assert f"{file}:3:1  enviroments: found an unknown key" in capfd.readouterr().err


PAGE = """\
# good

Files in a folder.

| | |
|---|---|
| Implements | `file-storage` |
| Roles | storage |
| Version | 1.0.0, beta |
| Owner | acme |
| Holds data | yes; retained on removal, unless configured otherwise |
| Observed | no |

## Example

In `alchemesh.yaml`. The tests run it, as the case *in a folder*:

```yaml
output_ports:
- name: raw
  models:
  - flight
  storage:
    component: file-storage
    args:
      folder: raw
```

In `platform.yaml`:

```yaml
environments:
  prod:
    components:
      file-storage: good
```

In a Pulumi program, without a mesh. The tests run it, as the case *in a folder*:

```python
import pulumi
from acme_good.component import Files
from acme_good.models import Args, Settings
from alchemesh_platform.manifest.models import LogicalType, Property, SemanticModel
from alchemesh_platform.sdk.wiring import Wiring

component = Files(
    "raw-storage",
    Args(folder="raw"),
    Settings(),
    Wiring(
        domain="aviation",
        product="flights",
        port="raw",
        models={"flight": SemanticModel(properties={"id": Property(type=LogicalType.INTEGER)})},
    ),
)
pulumi.export("connection", component.outputs)
```

## Arguments in a manifest

| Field | Type | Default | Meaning |
|---|---|---|---|
| `folder` | string | **required** | Name of the folder. |

## Settings in a platform file

No fields.

## Outputs

| Field | Type | Default | Meaning |
|---|---|---|---|
| `kind` | string | `files` | Kind of the connection. |
| `url` | string | **required** | Address of the folder. |

## Grants

- Consumers: Add the consumer to the folder's readers.

## Resources

| Type | For example | In the case |
|---|---|---|
| `alchemesh:local:Directory` | `raw-storage-folder` | in a folder |

## Permissions

The identity that deploys the component needs:

| Permission | For |
|---|---|
| `acme.files.write` | The folder. |
"""


def test_page_of_a_component_of_another_package(site: Path, capfd: pytest.CaptureFixture[str]) -> None:
    install_files(site, "good")
    assert invoke(["components", "docs", "good", "--out", str(site / "docs")]) == ExitCode.DONE
    out, err = capfd.readouterr()
    assert (out, err) == ("", f"{site / 'docs'}: 1 page\n")
    assert (site / "docs" / "good.md").read_text() == f"{BEGIN}\n\n{PAGE}\n{END}\n"
    assert invoke(["components", "docs", "good"]) == ExitCode.DONE
    assert capfd.readouterr().out == PAGE
    assert invoke(["components", "docs", "good", "--json"]) == ExitCode.DONE
    document = json.loads(capfd.readouterr().out)
    assert (document["pages"], document["failures"]) == ({"good.md": PAGE}, [])


def test_a_page_keeps_the_text_of_its_author(site: Path, capfd: pytest.CaptureFixture[str]) -> None:
    install_files(site, "good")
    page = site / "good.md"
    page.write_text(f"# Above\n\n{BEGIN}\nold\n{END}\n\nBelow.\n")
    assert invoke(["components", "docs", "good", "--out", str(site)]) == ExitCode.DONE
    assert page.read_text() == f"# Above\n\n{BEGIN}\n\n{PAGE}\n{END}\n\nBelow.\n"


def test_a_page_without_a_generated_part_is_not_overwritten(site: Path, capfd: pytest.CaptureFixture[str]) -> None:
    install_files(site, "good")
    (site / "good.md").write_text("# By hand\n")
    assert invoke(["components", "docs", "--out", str(site)]) == ExitCode.FAILED
    err = capfd.readouterr().err
    assert f"error: {site / 'good.md'} has text, and no part that is generated" in err
    assert f"hint: add the lines `{BEGIN}` and `{END}` where the generated part belongs, or name another folder" in err
    assert [file.name for file in site.glob("*.md")] == ["good.md"], "no other page is written"
    assert (site / "good.md").read_text() == "# By hand\n"


def test_page_finds_the_case_file_of_a_component_that_shares_its_folder(site: Path) -> None:
    install_files(site, "good")
    [case_file] = site.rglob("case.yml")
    case_file.rename(case_file.with_name("good.case.yml"))
    assert component_page(discover()["good"]) == PAGE


def test_table_of_fields_shows_a_mark_that_is_no_tag_and_an_example_of_the_field() -> None:
    class Fields(BaseModel):
        root: str = Field(description="Folder `<root>`: <root>/<port>|x.")
        age: Annotated[str, Field(examples=["300ms"])] | None = Field(default=None, examples=["7d"], description="Age.")

    assert field_rows(written_schema(Fields))[2:4] == [
        r"| `root` | string | **required** | Folder `<root>`: \<root>/\<port>\|x. |",
        "| `age` | string, such as `7d` |  | Age. |",
    ]
    assert "| `retention` | string, such as `7d` |" in component_page(builtin_catalog()["delta-table"])


def test_pages_of_all_components_leave_out_the_broken_one(site: Path, capfd: pytest.CaptureFixture[str]) -> None:
    install_files(site, "gone", change=("class Settings(Strict)", "class Other(Strict)"))
    install(site, "acme-bad", {"acme_worse": "raise RuntimeError('no')"}, {"bad": "acme_worse:SPEC"})
    assert invoke(["components", "docs", "--out", str(site / "docs")]) == ExitCode.FAILED
    err = capfd.readouterr().err
    assert "error: component 'bad' of package acme-bad (acme_worse:SPEC) cannot be loaded: RuntimeError: no" in err
    assert "error: component 'gone' of package acme-gone cannot be documented: AttributeError: " in err
    written = {file.name for file in (site / "docs").iterdir()}
    assert written == {"README.md", *(f"{name}.md" for name in builtin_catalog())}


def test_folder_that_cannot_be_written_is_named(site: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (site / "file").write_text("")
    assert invoke(["components", "docs", "delta-table", "--out", str(site / "file" / "docs")]) == ExitCode.FAILED
    assert f"error: {site / 'file'}" in capfd.readouterr().err


@pytest.mark.parametrize("name", builtin_catalog())
def test_each_page_of_the_platform_has_an_example_that_composes(name: str, tmp_path: Path) -> None:
    """The example is read from the page, and resolved for an environment of the platform file on the page."""
    spec = builtin_catalog()[name]
    blocks = [yaml.safe_load(part.split("```")[0]) for part in component_page(spec).split("```yaml\n")[1:]]
    case = component_cases(spec)[0]
    manifest: dict[str, Any] = example_manifest(spec, case)
    platform = example_platform(spec, case)
    assert blocks == ([manifest, platform] if manifest else [platform])
    file = tmp_path / "platform.yaml"
    [environment] = platform["environments"]
    for given in platform["environments"].values():
        given |= {"state": f"file://{tmp_path}/state", "registry": f"sqlite:///{tmp_path}/registry.db"}
    file.write_text(yaml.safe_dump({"kind": "Platform", "name": "acme", **platform}))
    loaded = load_platform(file, environment, tmp_path)
    if not manifest:
        assert spec.roles[0] in FOUNDATIONS
        return
    done = resolve(node_of(manifest, "alchemesh.yaml"), builtin_catalog(), loaded)
    planned = [each for each in done.components.values() if each.spec is spec]
    assert [each.args for each in planned] == [spec.args_model().model_validate(case.get("args") or {})]
    assert [problem for problem in done.problems if spec.name in str(problem)] == []


@pytest.mark.parametrize("name", builtin_catalog())
def test_permissions_are_those_that_the_resources_of_its_cases_need(name: str) -> None:
    from alchemesh_components.permissions import permissions_for

    spec = builtin_catalog()[name]
    types = {resource["type"] for case in component_cases(spec) for resource in case.get("resources", ())}
    assert set(spec.permissions) == set(permissions_for(*types))


def test_roles_that_components_need_are_those_of_the_account_of_a_domain() -> None:
    from alchemesh_components.foundations.gcp_domain.component import DEPLOYER_ROLES, GRANTING_ROLE

    products = [spec for spec in builtin_catalog().values() if not {Role.PLATFORM, Role.DOMAIN} & {*spec.roles}]
    needed = {each.name for spec in products for each in spec.permissions if each.name.startswith("roles/")}
    assert needed <= {*DEPLOYER_ROLES, GRANTING_ROLE}


@pytest.mark.parametrize("name", builtin_catalog())
def test_generated_pages_of_this_repository_are_those_of_the_command(name: str) -> None:
    page = (ROOT / "docs" / "components" / f"{name}.md").read_text("utf-8")
    assert page.partition("-->\n\n")[2] == component_page(builtin_catalog()[name])
