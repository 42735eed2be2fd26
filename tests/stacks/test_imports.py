"""Pulumi's SDK for Google Cloud has two hundred modules: a run imports those of the resources that it declares."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.builtin import ROOT

PROGRAM = """
import json, sys
from dataclasses import replace
from pathlib import Path
import pulumi
from alchemesh_platform.compose.compose import compose
from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.platform_file.load import load_platform
from tests.builtin import ROOT, builtin_catalog

class Engine(pulumi.runtime.Mocks):
    types = set()

    def new_resource(self, args):
        self.types.add(args.typ)
        computed = {"privateKey": "e30=", "endpoints": {}, "url": "file:///folder", "credentialFile": "credential"}
        return f"{args.name}-id", {**args.inputs, **computed}

    def call(self, args):
        return {}

product, environment = sys.argv[1:]
platform = load_platform(ROOT / "platforms" / "gcp.yaml", environment, Path("home"))
manifest = load_manifest(ROOT / "examples" / product / "alchemesh.yaml", environment)
# Without transforms: the engine calls them back, and here there is none.
plan = replace(compose(manifest, platform, builtin_catalog()), transforms=())
composing = sorted(sys.modules)
pulumi.runtime.set_mocks(Engine(), project=plan.project, stack=environment)

@pulumi.runtime.test
def declare():
    from alchemesh_stacks.data_product import DataProduct
    DataProduct(plan)

declare()
print(json.dumps({"composing": composing, "declaring": sorted(sys.modules), "types": sorted(Engine.types)}))
"""
CLOUDS = {"pulumi_gcp", "pulumi_kafka", "google.cloud", "boto3", "botocore", "confluent_kafka", "nipyapi"}


def ran(product: str, environment: str) -> dict[str, list[str]]:
    """Modules imported after composing and after declaring a product, and the declared types."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, product, environment],
        cwd=ROOT,
        env={**os.environ, "KAFKA_PASSWORD": "for-nobody", "NIFI_PASSWORD": "for-nobody"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def of_google(modules: list[str]) -> set[str]:
    """Loaded modules of the SDK: ``storage`` if ``pulumi_gcp.storage.bucket`` is loaded."""
    return {
        parts[1]
        for parts in (name.split(".") for name in modules)
        if parts[0] == "pulumi_gcp" and len(parts) > 2 and not parts[2].startswith("_")
    }


@pytest.mark.parametrize("product", ["departures", "flights"])
def test_a_product_on_google_cloud_imports_the_modules_of_its_resources(product: str) -> None:
    found = ran(product, "prod")
    used = {kind.split(":")[1].partition("/")[0] for kind in found["types"] if kind.startswith("gcp:")}
    assert {"storage", "bigquery", "cloudrunv2"} <= used
    assert of_google(found["declaring"]) == used
    assert CLOUDS.isdisjoint(found["composing"])


def test_a_product_on_a_laptop_imports_no_cloud_sdk() -> None:
    found = ran("flights", "local")
    assert CLOUDS.isdisjoint(found["declaring"])
