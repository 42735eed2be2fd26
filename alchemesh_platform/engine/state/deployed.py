"""The deployed resources of a stack, as the engine recorded them in the state."""

from __future__ import annotations

import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.engine.stack import EXPORT_PREFIX, Stack, StackFailed, run_engine, why_failed
from alchemesh_platform.engine.state.folder import read_state


def deployed_urns(engine: Engine, stack: Stack, environ: Mapping[str, str] = os.environ) -> list[str]:
    """URNs of the deployed resources of a stack.

    Raises:
        StackFailed: when the engine cannot read the state.
    """
    return [resource["urn"] for resource in deployed_state(engine, stack, environ).get("resources") or ()]


def deployed_state(engine: Engine, stack: Stack, environ: Mapping[str, str] = os.environ) -> Mapping[str, Any]:
    """The deployment in the state; empty if there is none. The engine reads a state that is not in a folder.

    Raises:
        StackFailed: when the engine cannot read the state.
    """
    if stack.state_folder is not None:
        if not stack.state_folder.file.exists():
            return {}
        deployment = read_state(stack.state_folder.file)
        if deployment is not None:
            return deployment
    with tempfile.TemporaryDirectory(prefix=EXPORT_PREFIX, dir=stack.work_folder) as folder:
        document = json.loads(export_state(engine, stack, Path(folder), environ).read_bytes())
        return document.get("deployment") or {}


def deployed_ids(deployment: Mapping[str, Any]) -> Mapping[str, set[str]]:
    """Ids of the deployed resources by Pulumi type, without resources that are pending deletion."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for resource in deployment.get("resources") or ():
        if resource.get("custom") and not resource.get("delete"):
            found[resource["type"]].add(resource.get("id", ""))
    return found


def export_state(engine: Engine, stack: Stack, folder: Path, environ: Mapping[str, str]) -> Path:
    """Export the state into a folder with the engine; returns the file.

    Raises:
        StackFailed: when the engine cannot export it.
    """
    target = folder / "state.json"
    command = ["stack", "export", f"--file={target}", f"--stack={stack.name}", "--non-interactive"]
    exported = run_engine(engine, stack, command, environ)
    if exported.returncode != 0:
        raise StackFailed(f"the engine cannot read the state of {stack}: {why_failed(exported)}")
    return target
