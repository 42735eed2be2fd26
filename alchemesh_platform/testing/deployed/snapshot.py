"""A release of a package as it is: the schemas of its components, and the resources that its cases declare.

``python -m alchemesh_platform.testing.deployed.snapshot`` reads the job from standard input and prints the snapshot. It
runs in a process of its own, since two releases of one package cannot be imported together. With ``home``, it also
deploys the cases that have ``engine``, each into a state of its own, which stays.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, cast


def main() -> None:
    """Print the snapshot of a release."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a component prints is no answer
    job = json.load(sys.stdin)
    snapshots = {name: snapshot(reference, job.get("home")) for name, reference in job["entries"].items()}
    out.write(json.dumps(snapshots))
    out.flush()


def snapshot(reference: str, home: str | None) -> dict[str, Any]:
    """The schemas of one component, and each of its cases.

    Args:
        reference: ``module:SPEC``.
        home: A folder for the states of deployed cases; None to deploy none.
    """
    from alchemesh_platform.base.packages.reference import load_reference
    from alchemesh_platform.catalog.case_file import case_file_of
    from alchemesh_platform.documents.json_schema import WrittenSchema
    from alchemesh_platform.sdk.spec import ComponentSpec
    from alchemesh_platform.testing.cases import FOLDER, read_cases
    from alchemesh_platform.testing.run.declared import consumer_of, declare, identity_of

    spec = cast("ComponentSpec", load_reference(reference))
    cases: list[dict[str, Any]] = []
    for case in read_cases(case_file_of(spec)).cases:
        if case.is_refused:
            continue
        admit = [identity_of(case.admit)] if case.admit else []
        grants = [consumer_of(case.grant)] if case.grant else []
        declared = declare(spec, case, FOLDER, admit=admit, grants=grants)
        found: dict[str, Any] = {
            "case": case.model_dump(mode="json", by_alias=True, exclude_unset=True),
            "resources": [[each.type, each.name, each.inputs] for each in declared.resources],
        }
        if home is not None and case.engine is not None:
            found |= _deployed(spec, case, Path(home, f"{spec.name}-{len(cases)}"))
        cases.append(found)
    return {
        "args": spec.args_model().model_json_schema(by_alias=True, schema_generator=WrittenSchema),
        "settings": spec.settings_model().model_json_schema(by_alias=True, schema_generator=WrittenSchema),
        "outputs": spec.outputs_model().model_json_schema(mode="serialization"),
        "cases": cases,
    }


def _deployed(spec: Any, case: Any, home: Path) -> dict[str, Any]:
    """Deploy a case; its state and its folder stay."""
    from alchemesh_platform.engine.install.find import find_engine
    from alchemesh_platform.testing.deployed.stack import ComponentStack, program_of
    from alchemesh_platform.testing.folder import write_files
    from alchemesh_platform.testing.run.declared import environment

    folder = home / "folder"
    folder.mkdir(parents=True)
    write_files(str(folder), case.files)
    with environment(case.secrets.environment):
        ran = ComponentStack(spec, home, find_engine()).run("up", program_of(spec, case, str(folder)))
    return {"home": str(home), "failed": None if ran.succeeded else ran.reasons}


if __name__ == "__main__":
    main()
