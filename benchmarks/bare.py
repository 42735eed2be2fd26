"""A bare Pulumi program: the resources of a recorded state, declared one after the other, run by one engine process.

A person with the same provider and no platform would write it.
``python -m benchmarks.bare up|preview STATE HOME ENGINE [BACKEND]``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pulumi
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2_grpc

PROJECT = "bench.bare"
STACK = "local"
OPERATIONS = {"up": ["up", "--yes", "--skip-preview"], "preview": ["preview"]}


def declare(resources: list[dict[str, Any]]) -> None:
    """Declare every resource of a state in its order, with the same parents, inputs and dependencies."""
    made: dict[str, pulumi.Resource] = {}
    for resource in resources:
        urn, kind = resource["urn"], resource["type"]
        if kind.startswith("pulumi:"):
            continue
        name = urn.rpartition("::")[2]
        options = pulumi.ResourceOptions(
            parent=made.get(resource.get("parent", "")),
            depends_on=[made[other] for other in resource.get("dependencies", ()) if other in made],
        )
        if resource.get("custom"):
            made[urn] = pulumi.CustomResource(kind, name, resource.get("inputs", {}), options)
        else:
            made[urn] = pulumi.ComponentResource(kind, name, None, options)


def environment(home: Path, backend: str | None = None) -> dict[str, str]:
    """State in a folder unless a backend is named, and nothing asked of the network."""
    return {
        **os.environ,
        "PULUMI_BACKEND_URL": backend or f"file://{home / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "bench",
        "PULUMI_HOME": str(home / "pulumi"),
        # As in the platform's runs, in favour of the baseline: unset, they cost seconds without a network.
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
        "ALCHEMESH_REGISTRY": f"sqlite:///{home / 'registry.db'}",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }


def prepare(home: Path, engine: Path, backend: str | None = None) -> None:
    """Make the project and the stack."""
    (home / "state").mkdir(parents=True)
    (home / "work").mkdir()
    (home / "work" / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n", "utf-8")
    command = [str(engine), "stack", "init", STACK, "--non-interactive"]
    subprocess.run(command, cwd=home / "work", env=environment(home, backend), check=True, capture_output=True)


def run(operation: str, state: Path, home: Path, engine: Path, backend: str | None = None) -> int:
    """Serve the program and run the engine once."""
    text = state.read_text("utf-8")
    resources = json.loads(text)["checkpoint"]["latest"]["resources"]
    return serve(operation, lambda: declare(resources), home, environment(home, backend), engine)


def serve(operation: str, program: Callable[[], object], home: Path, environ: Mapping[str, str], engine: Path) -> int:
    """Serve a program and run the engine once; returns the engine's exit code."""
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageServer(program), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    command = [
        str(engine),
        *OPERATIONS[operation],
        "--non-interactive",
        f"--stack={STACK}",
        f"--client=127.0.0.1:{port}",
        "--exec-kind=auto.inline",
    ]
    try:
        return subprocess.run(command, cwd=home / "work", env=environ, check=False).returncode
    finally:
        server.stop(grace=None)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], *map(Path, sys.argv[2:5]), *sys.argv[5:]))
