"""Imports of a run while the engine starts: the modules that the last run used, and no others of an SDK."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from alchemesh_platform.deployment.preload import FILE
from tests.builtin import ROOT

PROGRAM = """
import json, sys
from pathlib import Path
from alchemesh_platform.compose.compose import compose
from alchemesh_platform.deployment.preload import importing_ahead, sdk_modules
from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.platform_file.load import load_platform
from tests.builtin import ROOT, builtin_catalog

platform = load_platform(ROOT / "platforms" / "gcp.yaml", "prod", Path("home"))
plan = compose(load_manifest(ROOT / "examples" / "departures" / "alchemesh.yaml", "prod"), platform, builtin_catalog())
seen = []

def program():
    seen.extend(sdk_modules(list(sys.modules)))
    from pulumi_gcp import storage
    return storage.Bucket.__name__

with importing_ahead(plan, Path(sys.argv[1]), program) as begin:
    assert begin() == "Bucket"
print(json.dumps([name for name in seen if name.startswith("pulumi_gcp.") and "_from_" not in name]))
"""


def run(folder: Path) -> list[str]:
    """The modules of Google Cloud's SDK that are loaded when the program starts."""
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def test_a_first_run_imports_no_module_before_it_is_used(tmp_path: Path) -> None:
    assert "pulumi_gcp.storage" not in run(tmp_path)
    assert "pulumi_gcp.storage" in json.loads((tmp_path / FILE).read_text())


def test_the_next_run_imports_exactly_the_modules_of_the_last_one(tmp_path: Path) -> None:
    run(tmp_path)
    repeated = run(tmp_path)
    assert "pulumi_gcp.storage" in repeated
    assert "pulumi_gcp.bigquery" not in repeated


def test_a_damaged_or_outdated_list_is_ignored(tmp_path: Path) -> None:
    for text in ("{", '["pulumi_gone.part"]', "7"):
        (tmp_path / FILE).write_text(text)
        assert "pulumi_gcp.storage" not in run(tmp_path)
