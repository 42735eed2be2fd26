"""The tour of `make demo-orchestrators`: one product, whose code several engines start, and one history of their runs.

    python examples/demo_orchestrators.py                   # the clock, Dagster, Airflow, Kestra, Lambda
    python examples/demo_orchestrators.py --only clock
    python examples/demo_orchestrators.py --down            # remove the products, including their data

The product is a copy of examples/flights. Each engine has an environment and an overlay of a few lines in
examples/flights/orchestrators. Everything is in .demo/orchestrators and .demo/orchestrators-home.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import data
import yaml
from deltalake import DeltaTable
from terminal import REPOSITORY, DemoFailed, Row, alchemesh, heading, run_tour, show

from alchemesh_platform.base.files.home import HOME_VARIABLE
from alchemesh_platform.base.packages.extras import missing_extras
from alchemesh_platform.catalog.discover import discover
from alchemesh_platform.connections import Connections
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.platform_file.models import Platform
from alchemesh_platform.registry.records import ProductRecord
from alchemesh_platform.registry.store import Registry
from parts import kestra
from parts.java import PartFailed
from parts.tools import chromium

ADDRESS = "aviation/flights"
PORT = "flights-table"
PRODUCT = ".demo/orchestrators"  # as deep as examples/flights, so that relative paths of the manifest hold
OVERLAYS = REPOSITORY / "examples" / "flights" / "orchestrators"
PICTURES = REPOSITORY / ".demo" / "pictures"
PLATFORM_FILE = f"{PRODUCT}/platform.yaml"
PLATFORM = ("--platform", PLATFORM_FILE)
WITHIN_SECONDS = 300
CLOCK, KESTRA = "clock", "kestra"


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that starts the code.

    Args:
        environment: The environment, whose overlay names the component.
        component: The component of the code.
        title: Name for people.
        page: The page of its runs, below its address; None for an engine without pages.
        emulated: Whether it is a service of a cloud, which this machine emulates with a registry of its own.
    """

    environment: str
    component: str
    title: str
    page: str | None = None
    emulated: bool = False


ENGINES = (
    Engine(CLOCK, "local-python", "the clock"),
    Engine("dagster", "dagster-job", "Dagster", "/runs"),
    Engine("airflow", "airflow-dag", "Airflow", "/dags/aviation__flights/runs"),
    Engine(KESTRA, "kestra-flow", "Kestra"),
    Engine("lambda", "lambda-function", "AWS Lambda", emulated=True),
)


def tour(engines: Sequence[Engine]) -> None:
    """Deploy the product with each engine, run it once, and compare."""
    heading("The data: departures from New York in 2013")
    if data.main([]) != 0:
        raise DemoFailed("the data is missing")
    copy_product()
    left_out = {engine: reason for engine in engines if (reason := why_not(engine))}
    used = [engine for engine in engines if engine not in left_out]
    say_left_out(left_out)
    if not used:
        raise DemoFailed("no engine can run here")
    with kestra_server(used):
        for engine in used:
            heading(f"Up: {ADDRESS}, whose code {engine.title} starts")
            print((OVERLAYS / overlay(engine)).read_text("utf-8"))
            alchemesh("up", "--yes", *where(engine))
            run(engine)
        heading("One history")
        show("The run of each engine", [run_of(engine) for engine in used])
        heading("The same rows")
        compare([(engine, tables(engine)) for engine in used])
        take_pictures(used)
    say_left_out(left_out)
    print("\nRemove it with `python examples/demo_orchestrators.py --down`; look around with:")
    print(f"  export {HOME_VARIABLE}={os.environ[HOME_VARIABLE]}")
    print(f"  alchemesh runs list -e {used[0].environment} {' '.join(PLATFORM)}", flush=True)


def say_left_out(engines: Mapping[Engine, str]) -> None:
    """Say which engines cannot run here, with the reason."""
    for engine, reason in engines.items():
        print(f"\nleft out: {engine.title}: {reason}", flush=True)


def copy_product() -> None:
    """Copy the example and the overlays, so that `up` writes no lock file into the repository."""
    target = REPOSITORY / PRODUCT
    shutil.copytree(
        REPOSITORY / "examples" / "flights", target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.prod.yaml")
    )
    for engine in ENGINES:
        text = (OVERLAYS / overlay(engine)).read_text("utf-8")
        if engine.emulated:  # on AWS, a lock file names the packages that go into the function's package
            document = yaml.safe_load(text)
            document["code"]["args"]["env"] = {"PYTHONPATH": os.pathsep.join(packages())}
            text = yaml.safe_dump(document)
        (target / overlay(engine)).write_text(text, "utf-8")


def packages() -> list[str]:
    """The folders of this Python's packages, with which an emulated service runs the code."""
    return [str(REPOSITORY), *(each for each in sys.path if each.endswith("site-packages"))]


def overlay(engine: Engine) -> str:
    """The file with the differences of an engine."""
    return f"alchemesh.{engine.environment}.yaml"


def where(engine: Engine) -> tuple[str, ...]:
    """The options of a command about the product of an engine."""
    return "-C", PRODUCT, "-e", engine.environment, *PLATFORM, *(("--emulate",) if engine.emulated else ())


def why_not(engine: Engine) -> str | None:
    """The reason why an engine is left out; None if all its parts are here."""
    catalog = discover()
    if engine.component not in catalog:
        return f"the component {engine.component} is not installed"
    lacking = missing_extras(catalog[engine.component].extras)
    if lacking:
        return f"{', '.join(lacking)} is not installed"
    return kestra.missing() if engine.environment == KESTRA else None


def run(engine: Engine) -> None:
    """Run the code once: the clock does it by itself, another engine when it is asked."""
    if engine.environment != CLOCK:
        alchemesh("run", *where(engine))
        return
    print("\nThe clock starts the code at the next minute.", flush=True)
    deadline = time.monotonic() + WITHIN_SECONDS
    while not any(each["outcome"] == "succeeded" for each in runs(engine)):
        if time.monotonic() > deadline:
            raise DemoFailed(f"no run of the clock within {WITHIN_SECONDS} s: {runs(engine)}")
        time.sleep(1)


def runs(engine: Engine) -> list[dict[str, Any]]:
    """The runs of an engine, newest first."""
    found = alchemesh("runs", "list", ADDRESS, "--json", *where(engine), capture=True, quiet=True)
    listed: list[dict[str, Any]] = json.loads(found)["runs"]
    return listed


def run_of(engine: Engine) -> Row:
    """The first successful run of an engine, as a row."""
    succeeded = [each for each in runs(engine) if each["outcome"] == "succeeded"]
    if not succeeded:
        raise DemoFailed(f"no run of {engine.title} has succeeded")
    found = succeeded[-1]
    return {
        "environment": engine.environment,
        "engine": found["engine"] or "alchemesh",
        "trigger": found["trigger"],
        "actor": found["actor"],
        "outcome": found["outcome"],
        "rows": sum(found["written"].values()),
        "started": found["started_at"][:19],
    }


def tables(engine: Engine) -> dict[str, str]:
    """Model: the rows of its table as one value, whatever their order."""
    import duckdb

    document = alchemesh("env", "--json", *where(engine), capture=True, quiet=True)
    found = Connections.model_validate_json(document).output(PORT).tables
    digests = {}
    with duckdb.connect() as connection:
        for model in found.tables:
            connection.register("rows", DeltaTable(found.path(model)).to_pyarrow_dataset())
            count, digest = connection.sql("SELECT count(*), bit_xor(hash(rows)) FROM rows").fetchall()[0]
            digests[model] = f"{count:,} rows {digest:016x}"
    return digests


def compare(found: Sequence[tuple[Engine, dict[str, str]]]) -> None:
    """Show the tables of each engine, and check that they are the same.

    Raises:
        DemoFailed: when an engine wrote other rows.
    """
    show("Tables", [{"environment": engine.environment, **digests} for engine, digests in found])
    first, *others = found
    for engine, digests in others:
        if digests != first[1]:
            raise DemoFailed(f"{engine.title} wrote other rows than {first[0].title}")
    if others:
        print(f"\n{len(found)} engines, the same rows in each table", flush=True)


def take_pictures(engines: Collection[Engine]) -> None:
    """Draw the page of each engine with Chromium, if there is one.

    Raises:
        PartFailed: when Chromium draws nothing.
    """
    program = chromium.installed()
    lacking = chromium.missing() if program else "there is no Chromium on PATH"
    for engine in engines:
        if engine.page is None:
            continue
        address = f"{address_of(engine).rstrip('/')}{engine.page}"
        if program is None or lacking is not None:
            print(f"\nThe page of {engine.title}: {address}; not drawn: {lacking}", flush=True)
            continue
        PICTURES.mkdir(parents=True, exist_ok=True)
        picture = PICTURES / f"{engine.environment}.png"
        title = chromium.visit(program, address, picture, *sign_in(engine))
        print(f"\nThe page of {engine.title}, {title!r}: {address}, drawn in {picture}", flush=True)


def address_of(engine: Engine) -> str:
    """The address of an engine, as the registry has it."""
    platform = platform_of(engine)
    with Registry.open(platform.registry) as registry:
        record = registry.get(ProductRecord, platform.environment, ADDRESS)
    address = ((record.code if record else None) or {}).get("connection", {}).get("engine_address")
    if not isinstance(address, str):
        raise DemoFailed(f"the registry has no address of {engine.title}")
    return address


def sign_in(engine: Engine) -> tuple[str, ...]:
    """User and password of an engine that asks for them: the local Airflow keeps them in a private file."""
    file = Path(platform_of(engine).settings["local"]["run"], f"_{engine.environment}", "passwords.json")
    if not file.is_file():
        return ()
    user, password = next(iter(json.loads(file.read_bytes()).items()))
    return str(user), str(password)


def platform_of(engine: Engine) -> Platform:
    """The environment of an engine."""
    return load_platform(REPOSITORY / PLATFORM_FILE, engine.environment, Path(os.environ[HOME_VARIABLE]))


@contextmanager
def kestra_server(engines: Collection[Engine]) -> Iterator[None]:
    """Run Kestra's engine during the tour, and name its address in the platform file. It ends with the tour."""
    file = REPOSITORY / PLATFORM_FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    document = yaml.safe_load((OVERLAYS / "platform.yaml").read_text("utf-8"))
    with ExitStack() as stack:
        for engine in engines:
            if engine.environment != KESTRA:
                continue
            heading("Kestra: its engine, with a front in the shape of its API and without its page")
            address = stack.enter_context(kestra.kestra()).url
            document["environments"][KESTRA]["settings"] = {"kestra": {"address": address, "namespace": "demo"}}
            down = ("destroy", "--yes", "--delete-data", *where(engine))
            stack.callback(partial(alchemesh, *down, exits_with=range(12)))  # the flow ends before its server
        file.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
        yield


def take_down(engines: Sequence[Engine]) -> None:
    """Remove the product of each engine, including its data."""
    for engine in engines:
        deployed = (REPOSITORY / PLATFORM_FILE).is_file() and engine.environment != KESTRA
        if deployed and why_not(engine) is None:
            alchemesh("destroy", "--yes", "--delete-data", *where(engine))


def main(arguments: list[str] | None = None) -> int:
    """Run the tour, or remove its products."""
    parser = argparse.ArgumentParser(description="One product, several engines, one history.")
    parser.add_argument("--down", action="store_true", help="destroy the products of the demo, including their data")
    parser.add_argument(
        "--only", action="append", choices=[each.environment for each in ENGINES], help="an engine; all by default"
    )
    given = parser.parse_args(arguments)
    os.environ.setdefault(HOME_VARIABLE, str(REPOSITORY / ".demo" / "orchestrators-home"))
    engines = [each for each in ENGINES if not given.only or each.environment in given.only]
    return run_tour(lambda: (take_down if given.down else tour)(engines), PartFailed)


if __name__ == "__main__":
    sys.exit(main())
