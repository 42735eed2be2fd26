"""``python -m benchmarks [SECTION …]``: measure, print the tables, and write them into the docs."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.measure import Peak
from benchmarks.sections import (
    data_api,
    engine,
    fairness,
    gcp,
    landing,
    mesh,
    remote_state,
    review,
    rows,
    scale,
    sql,
    startup,
)
from benchmarks.sections.orchestrators import airflow, function_package, kestra, spark
from benchmarks.sections.truth import metering, observations, quality

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
RATIOS = (
    "| Measurement | Baseline | Alchemesh | Baseline time | Ratio (lowest–highest) | Limit | Met |\n" + "|---" * 7 + "|"
)
GROWTH = (
    "| Measurement | Seconds by size | Growth at the last doubling | Peak memory | Limit | Met |\n" + "|---" * 6 + "|"
)

Row = startup.Ratio | scale.Scaled | mesh.Grown | engine.Memory | sql.Memory | Peak

SECTIONS: dict[str, tuple[str, str, Callable[[], Iterator[Row]]]] = {
    "startup": ("Commands that list or check", RATIOS, startup.ratios),
    "scale": ("Large and many products", GROWTH, scale.scaled),
    "mesh": ("A large mesh", mesh.HEAD, mesh.grown),
    "engine": ("Engine runs", RATIOS, engine.ratios),
    "gcp": ("Google Cloud, Kafka and NiFi", RATIOS, gcp.ratios),
    "remote-state": ("State in object storage", RATIOS, remote_state.ratios),
    "data-api": ("Data API", RATIOS, data_api.ratios),
    "sql": ("SQL of a data API", RATIOS, sql.ratios),
    "fairness": ("Fairness between consumers", RATIOS, fairness.ratios),
    "metering": ("Metering of usage", RATIOS, metering.ratios),
    "landing": ("Landing of files", RATIOS, landing.ratios),
    "rows": ("Rows that code writes", RATIOS, rows.ratios),
    "quality": ("Quality of rows", RATIOS, quality.ratios),
    "review": ("Reviews of a merge request", RATIOS, review.ratios),
    "status": ("Status with a history", RATIOS, observations.ratios),
    "observations": ("Observations of many products", observations.HEAD, observations.grown),
    "kestra": ("Runs in Kestra", RATIOS, kestra.ratios),
    "airflow": ("Runs in Airflow", RATIOS, airflow.ratios),
    "spark": ("Jobs of Spark", RATIOS, spark.ratios),
    "function-package": ("Packages of functions", RATIOS, function_package.ratios),
    "memory": ("Memory of `up`", engine.MEMORY_HEAD, engine.memory),
}


def main(wanted: list[str]) -> int:
    """Run the named sections, or all; returns 1 if a limit is exceeded."""
    # If it is set, every process compiles its imports, unlike an installed program.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    kept = True
    for name in wanted or list(SECTIONS):
        title, head, measure = SECTIONS[name]
        print(f"\n## {title}\n\n{head}", flush=True)
        lines = []
        for measured in measure():
            print(measured.row(), flush=True)
            lines.append(measured.row())
            kept = kept and measured.kept
        _keep(name, "\n".join([f"## {title}", "", head, *lines]))
    return 0 if kept else 1


def _keep(name: str, text: str) -> None:
    """Replace one section of the docs page, between its marks."""
    page = PAGE.read_text("utf-8")
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    PAGE.write_text(f"{before}{begin}\n{text}\n\n_{machine}_\n{end}{after}", "utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
