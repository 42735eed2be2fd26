"""Compares a package with an earlier release: manifests stay valid, and no resource is replaced or deleted silently."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import BaseModel

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.documents.yaml_source import shown as shown_path
from alchemesh_platform.testing.cases import FOLDER, Case
from alchemesh_platform.testing.check import finding_of
from alchemesh_platform.testing.deployed.release import Release, release
from alchemesh_platform.testing.finding import Finding
from alchemesh_platform.testing.package import Package, TestedComponent
from alchemesh_platform.testing.rules.compatibility import narrowed
from alchemesh_platform.testing.rules.declaration import differences
from alchemesh_platform.testing.rules.spec import Report

CHANGELOG = "CHANGELOG.md"
REMOVALS = frozenset({"delete", "replace", "create-replacement", "delete-replaced"})


class SnapshotFailed(Failure):
    """Raised when the cases of the earlier release cannot be run."""


@dataclass(frozen=True, slots=True)
class Changelog:
    """The text of the changelog about everything that is newer than the earlier release."""

    text: str = ""

    def names(self, *words: str) -> bool:
        """Whether it names one of these words in backticks: `size` is a field there, and any word elsewhere."""
        code = " ".join(re.findall(r"`([^`\n]+)`", self.text))
        return any(re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", code) for word in words if word)


@dataclass(frozen=True, slots=True)
class Earlier:
    """The snapshot of an earlier release.

    Args:
        components: Schemas and cases, by component.
        changelog: The changes since then.
    """

    components: Mapping[str, Mapping[str, Any]]
    changelog: Changelog = field(default_factory=Changelog)


def check_against(package: Package, which: str, *, engine: bool = False) -> Iterator[Finding]:
    """Compare the package with an earlier release.

    Args:
        package: The package.
        which: Version, wheel or folder of the earlier release.
        engine: Whether the earlier release is deployed with the real engine, and previewed with this one.

    Raises:
        NoRelease: when the earlier release cannot be found.
        SnapshotFailed: when its cases cannot be run.
    """
    with ExitStack() as open_:
        earlier_release = open_.enter_context(release(package.name, which))
        home = open_.enter_context(TemporaryDirectory(prefix="conformance-home-", ignore_cleanup_errors=True))
        components = _snapshot(earlier_release, home if engine else None)
        earlier = Earlier(components, Changelog(changes_since(package.folder / CHANGELOG, earlier_release.version)))
        present = {component.name: component for component in package.components}
        for name, old in sorted(earlier.components.items()):
            component = present.get(name)
            if component is None or component.spec is None:
                if name not in package.registered and not earlier.changelog.names(name):
                    what = f"the release {which} has the component {name!r}, and this one does not"
                    yield Finding("no-new-demand", name, what, shown_path(package.folder / "pyproject.toml"), 1)
                continue
            file = shown_path(component.cases.file) if component.cases is not None else ""
            report = partial(finding_of, name, file, 0, "")
            yield from _schemas(component, old, earlier.changelog, report)
            for case in old["cases"]:
                in_case = partial(finding_of, name, file, 0, str(case["case"]["name"]))
                yield from _case(component, case, earlier.changelog, in_case)
                if case.get("home"):
                    yield from _deployed(component, case, earlier.changelog, in_case)


def changes_since(file: Path, version: str) -> str:
    """The sections of a changelog before the one of a version; the newest section if no heading names the version."""
    try:
        text = file.read_text("utf-8")
    except OSError:
        return ""
    lines = text.splitlines()
    headings = [number for number, line in enumerate(lines) if line.startswith("## ")]
    named = re.compile(rf"(?<![\w.]){re.escape(version)}(?![\w.])")
    end = next((number for number in headings if version and named.search(lines[number])), None)
    return "\n".join(lines[: end if end is not None else [*headings, len(lines), len(lines)][1]])


def _snapshot(earlier: Release, home: str | None) -> dict[str, dict[str, Any]]:
    path = [str(earlier.folder), *(path or str(Path.cwd()) for path in sys.path)]
    done = subprocess.run(
        [sys.executable, "-m", "alchemesh_platform.testing.deployed.snapshot"],
        input=json.dumps({"entries": {entry.name: entry.value for entry in earlier.entries}, "home": home}),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason"])[-1]
        raise SnapshotFailed(
            f"the cases of the earlier release cannot be run: {reason}",
            hint="install the libraries that it needs, or name another release",
        )
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return found


def _schemas(
    component: TestedComponent, old: Mapping[str, Any], changelog: Changelog, report: Report
) -> Iterator[Finding]:
    from alchemesh_platform.documents.json_schema import WrittenSchema

    spec = component.spec
    assert spec is not None  # noqa: S101 the caller has checked it
    models = {"args": spec.args_model(), "settings": spec.settings_model()}
    for kind, model in models.items():
        new = model.model_json_schema(by_alias=True, schema_generator=WrittenSchema)
        for each in narrowed(old[kind], new):
            if not changelog.names(each.name, each.path):
                yield report("no-new-demand", f"{kind}.{each.path} {each.what}")
    outputs = spec.outputs_model().model_json_schema(mode="serialization")
    for name in old["outputs"].get("properties", {}):
        if name not in outputs.get("properties", {}) and not changelog.names(name):
            yield report("no-new-demand", f"outputs.{name} is no longer provided")


def _case(
    component: TestedComponent, old: Mapping[str, Any], changelog: Changelog, report: Report
) -> Iterator[Finding]:
    """Declare an old case with this release: the resources that would be deleted or replaced."""
    from alchemesh_platform.testing.run.declared import consumer_of, declare, identity_of

    spec = component.spec
    assert spec is not None  # noqa: S101 the caller has checked it
    try:
        case = Case.model_validate(old["case"])
        declared = declare(
            spec,
            case,
            FOLDER,
            admit=[identity_of(case.admit)] if case.admit else [],
            grants=[consumer_of(case.grant)] if case.grant else [],
        )
    except (Exception, SystemExit) as error:  # noqa: BLE001 the code of another author
        yield report("no-new-demand", f"a case of the earlier release fails: {' '.join(str(error).split())}")
        return
    new = declared.by_key() | {key: each for each in declared.resources for key in each.aliases}
    for type_, name, inputs in old["resources"]:
        if changelog.names(name, type_, type_.rpartition(":")[2]):
            continue
        found = new.get((type_, name)) or new.get(("", name))
        if found is None:
            yield report("no-silent-replacement", f"{type_} {name!r} would be deleted: it is no longer declared")
            continue
        for path, before, after in differences(inputs, dict(found.inputs)):
            if path.partition(".")[0].partition("[")[0] in _replacing(type_) - set(found.ignored):
                what = f"{type_} {name!r} would be replaced: {path} changes from {before!r} to {after!r}"
                yield report("no-silent-replacement", what)


def _deployed(
    component: TestedComponent, old: Mapping[str, Any], changelog: Changelog, report: Report
) -> Iterator[Finding]:
    """Preview this release over the state that the earlier one made."""
    from alchemesh_platform.engine.install.find import find_engine
    from alchemesh_platform.testing.deployed.stack import ComponentStack, program_of
    from alchemesh_platform.testing.run.declared import environment

    spec = component.spec
    assert spec is not None  # noqa: S101 the caller has checked it
    if old["failed"]:
        yield report("deployment-succeeds", f"the earlier release cannot be deployed: {old['failed']}")
        return
    case, home = Case.model_validate(old["case"]), Path(old["home"])
    program: Callable[[], object] = program_of(spec, case, str(home / "folder"))
    with environment(case.secrets.environment):
        stack = ComponentStack(spec, home, find_engine())
        preview = stack.run("preview", program)
        if not preview.succeeded:
            yield report("no-silent-replacement", f"a preview over the earlier release fails: {preview.reasons}")
        for step in preview.changed():
            if step.op in REMOVALS and not changelog.names(step.name, step.type, step.type.rpartition(":")[2]):
                paths = ", ".join(diff.path for diff in step.diffs if diff.replaces)
                reason = f" for {paths}" if paths else ""
                yield report("no-silent-replacement", f"the preview has {step.op} of {step.type} {step.name!r}{reason}")
        stack.run("destroy", delete_data=True)


def _replacing(type_: str) -> set[str]:
    """The inputs whose change replaces a resource, as far as its handler says so."""
    from alchemesh_platform.provider.catalog import HANDLERS
    from alchemesh_platform.provider.inputs import aliases

    if type_ not in HANDLERS.by_type:
        return set()
    handler = HANDLERS.of(type_)
    model: type[BaseModel] = handler.inputs
    names = aliases(model)
    return {names[name] for name in handler.replace_on}
