"""The example on Google Cloud against a bare Pulumi program with the same resources, run by the same engine.

Broker and NiFi are real servers of this machine, Google Cloud is its stand-in and emulators; all run before anything is
measured. Each side has a cloud of its own, and names of its own in Kafka and NiFi.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from alchemesh_platform.base.files.home import HOME_VARIABLE
from alchemesh_platform.clouds.gcp.emulation.environment import emulators_of
from alchemesh_platform.clouds.gcp.emulation.servers.servers import VARIABLES, Emulators
from alchemesh_platform.clouds.gcp.emulation.store import FILE
from alchemesh_platform.deployment.emulation import emulate
from alchemesh_platform.engine.install.find import Engine, find_engine
from alchemesh_platform.engine.install.plugins import find_plugin
from alchemesh_platform.engine.stack import Stack, run_engine
from alchemesh_platform.identity.machine import USER_VARIABLE
from alchemesh_platform.platform_file.load import load_platform
from benchmarks import bare
from benchmarks.bare_gcp import CLOUD, of_the_cloud
from benchmarks.measure import Measured, Ratio, against, measure
from benchmarks.sections.engine import ALCHEMESH, LIMIT
from parts.kafka import Broker, broker
from parts.nifi import Nifi, nifi

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples"))  # scripts, not parts of a package

import gcp_path as path  # noqa: E402

PAIRS = 3
AGAIN = 3  # runs that change nothing, in each pair
PROJECT = "aviation.departures"
STOOD_ON = ("platform", "mesh", "domain")  # made before, on both sides
FIRST, UNCHANGED, PREVIEW = "first `up`", "`up`, no change", "`preview`"


@dataclass(frozen=True, slots=True)
class Side:
    """One of both: its commands, by what is measured, and their environment."""

    commands: dict[str, list[str]]
    environ: dict[str, str]
    cwd: Path = ROOT

    def run(self, what: str) -> Measured:
        """Run it once."""
        return measure(self.commands[what], environ=self.environ, cwd=self.cwd)


def ratios(pairs: int = PAIRS) -> Iterator[Ratio]:
    """First `up`, `up` with nothing to change, and `preview`, in turns with the bare program."""
    engine = find_engine()
    ours: dict[str, list[Measured]] = {FIRST: [], UNCHANGED: [], PREVIEW: []}
    floor: dict[str, list[Measured]] = {what: [] for what in ours}
    with tempfile.TemporaryDirectory() as folder, broker() as kafka, nifi() as server:
        kafka.create_topic(path.TOPIC, partitions=3)
        os.environ[path.PASSWORD_VARIABLE] = kafka.password
        # Of each pair ours comes first, for its state says what the other declares: a server that has never made a
        # dataflow would count against it alone.
        uncounted: dict[str, list[Measured]] = {what: [] for what in ours}
        _pair(Path(folder, "uncounted"), pairs, kafka, server, engine, uncounted, uncounted)
        for number in range(pairs):
            _pair(Path(folder, str(number)), number, kafka, server, engine, ours, floor)
    for what, mine in ours.items():
        yield against(f"{what}, departures on Google Cloud", mine, "bare Pulumi program", floor[what], limit=LIMIT)


def _pair(
    root: Path,
    number: int,
    kafka: Broker,
    server: Nifi,
    engine: Engine,
    ours: dict[str, list[Measured]],
    floor: dict[str, list[Measured]],
) -> None:
    root.mkdir()
    name, others_name = f"ours{number}", f"bare{number}"
    file, home = root / "platform.yaml", root / "home"
    file.write_text(_platform_file(name, kafka, server), "utf-8")
    platform = emulate(load_platform(file, name, home))
    cloud, others_cloud = emulators_of(platform), Emulators(root / "bare" / CLOUD)
    try:
        for emulators in (cloud, others_cloud):
            for service in VARIABLES:
                emulators.address_of(service)
        platformed = _ours(name, file, home)
        for what in STOOD_ON:
            platformed.run(what)
        _copy(cloud.folder / FILE, others_cloud.folder / FILE, name, others_name)
        platformed.run(PREVIEW)  # makes the stack, as `prepare` does for the bare program
        ours[FIRST].append(platformed.run(FIRST))
        stack = Stack(PROJECT, name, platform.state, Path(platform.home, name))
        text = run_engine(engine, stack, ["stack", "export", "--show-secrets", f"--stack={name}"]).stdout
        for mine, other in zip(cloud.addresses().values(), others_cloud.addresses().values(), strict=True):
            text = text.replace(mine, other)
        bare_side = _bare(root / "bare", text.replace(name, others_name), engine, platform.settings["gcp"])
        floor[FIRST].append(bare_side.run(FIRST))
        for _ in range(AGAIN):
            for what in (UNCHANGED, PREVIEW):
                ours[what].append(platformed.run(what))
                floor[what].append(bare_side.run(what))
    finally:
        cloud.stop()
        others_cloud.stop()


def _copy(cloud: Path, other: Path, name: str, others_name: str) -> None:
    """Give one emulated cloud what another has, under other names."""
    with closing(sqlite3.connect(cloud)) as there, closing(sqlite3.connect(other)) as here:
        here.executescript("\n".join(there.iterdump()).replace(name, others_name))


def _platform_file(name: str, kafka: Broker, server: Nifi) -> str:
    """The tour's, with its environment under another name."""
    written = yaml.safe_load(path.platform_file(kafka.bootstrap, server.url))
    written["environments"][name] = written["environments"].pop(path.ENVIRONMENT)
    return yaml.safe_dump(written, sort_keys=False)


def _ours(name: str, file: Path, home: Path) -> Side:
    where = ["-e", name, "--platform", str(file), "--emulate"]
    up = [ALCHEMESH, "up", "--yes", "-C", path.PRODUCT, *where]
    return Side(
        {
            "platform": [ALCHEMESH, "platform", "up", "--yes", *where],
            "mesh": [ALCHEMESH, "mesh", "apply", path.MESH, "--yes", *where],
            "domain": [ALCHEMESH, "domain", "up", path.DOMAIN, "--yes", *where],
            FIRST: up,
            UNCHANGED: up,
            PREVIEW: [ALCHEMESH, "preview", "-C", path.PRODUCT, *where],
        },
        {**os.environ, HOME_VARIABLE: str(home), USER_VARIABLE: path.OWNER, "NO_COLOR": "1"},
    )


def _bare(home: Path, exported: str, engine: Engine, settings: dict[str, Any]) -> Side:
    resources = of_the_cloud(json.loads(exported)["deployment"]["resources"])
    file = home.with_suffix(".json")
    file.write_text(
        json.dumps({"project": settings["project"], "region": settings["region"], "resources": resources}), "utf-8"
    )
    bare.prepare(home, engine.path)
    plugins = find_plugin("kafka", engine).path.parent
    up, preview = (
        [sys.executable, "-m", "benchmarks.bare_gcp", operation, str(file), str(home), str(engine.path), str(plugins)]
        for operation in ("up", "preview")
    )
    return Side({FIRST: up, UNCHANGED: up, PREVIEW: preview}, dict(os.environ))
