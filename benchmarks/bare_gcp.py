"""A bare Pulumi program with the cloud resources of a recorded state, attached to the same stand-in for Google Cloud.

A person with the same providers and no platform would write it: no groups, no records, no manifest. Inputs are literals
where a person's program would wait for the outputs of another resource, in favour of the baseline.
``python -m benchmarks.bare_gcp up|preview RESOURCES HOME ENGINE PLUGINS``.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pulumi
from pulumi._types import resource_py_to_pulumi_names

from alchemesh_platform.clouds.gcp.emulation.provider import serve_emulated
from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators
from alchemesh_platform.clouds.gcp.emulation.store import Store
from alchemesh_platform.clouds.gcp.emulation.world import World
from alchemesh_platform.provider.serve.attach import serve_provider
from benchmarks import bare

SDK = {"gcp": "pulumi_gcp", "kafka": "pulumi_kafka"}
RECORDS = "alchemesh:mesh:"
PROVIDERS = "pulumi:providers:"
CLOUD = "cloud"
# How an export marks a secret that it shows. Source: pulumi sdk/go/common/resource/sig/sig.go
SIGNATURE, SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"


def of_the_cloud(resources: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The resources of a state without stack, groups, default providers and records."""
    return [
        resource
        for resource in resources
        if resource.get("custom")
        and not resource["type"].startswith(RECORDS)
        and not resource["urn"].rpartition("::")[2].startswith("default")
    ]


def declare(resources: list[dict[str, Any]]) -> None:
    """Declare each resource with the class that its SDK has for it."""
    made: dict[str, Any] = {}
    for resource in resources:
        urn, kind, name = resource["urn"], resource["type"], resource["urn"].rpartition("::")[2]
        inputs = {key: _shown(value) for key, value in resource.get("inputs", {}).items() if not key.startswith("__")}
        options = pulumi.ResourceOptions(
            depends_on=[made[other] for other in resource.get("dependencies", ()) if other in made],
            provider=made.get(resource.get("provider", "").rpartition("::")[0]),
        )
        if kind.startswith(PROVIDERS):
            # Like a generated class: every value except a string is passed as JSON, as it is in the state.
            inputs.pop("version", None)
            made[urn] = pulumi.ProviderResource(kind.removeprefix(PROVIDERS), name, inputs, options)
            continue
        package, group = kind.split(":")[0], kind.split(":")[1].partition("/")[0]
        if package not in SDK:
            importlib.import_module(f"alchemesh_platform.systems.{group}.resources")
            made[urn] = pulumi.CustomResource(kind, name, inputs, options)
            continue
        module = importlib.import_module(SDK[package] if group == "index" else f"{SDK[package]}.{group.lower()}")
        class_ = getattr(module, kind.rpartition(":")[2])
        names = {pulumi_name: python_name for python_name, pulumi_name in resource_py_to_pulumi_names(class_).items()}
        made[urn] = class_(name, opts=options, **{names[key]: value for key, value in inputs.items()})


def _shown(value: Any) -> Any:
    """A value of an export, with secrets as a program has them."""
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get(SIGNATURE) == SECRET:
        return pulumi.Output.secret(json.loads(value["plaintext"]))
    return {key: _shown(item) for key, item in value.items()}


def run(operation: str, file: Path, home: Path, engine: Path, plugins: Path) -> int:
    """Serve the providers and the program, and run the engine once."""
    written = json.loads(file.read_text("utf-8"))
    emulators = Emulators(home / CLOUD)
    world = World(Store(emulators.folder), emulators.address_of)
    world.configure(project=written["project"], region=written["region"])
    with serve_emulated(world) as gcp, serve_provider(f"sqlite:///{home / 'registry.db'}") as own:
        return bare.serve(
            operation,
            lambda: declare(written["resources"]),
            home,
            {
                **bare.environment(home),
                "PATH": f"{plugins}:{bare.environment(home)['PATH']}",
                "PULUMI_DEBUG_PROVIDERS": f"gcp:{gcp.port},alchemesh:{own.port}",
            },
            engine,
        )


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], *map(Path, sys.argv[2:])))
