"""Apache Airflow, as a system."""

from __future__ import annotations

from alchemesh_platform.sdk.system.system import System

SYSTEM = System(
    name="airflow",
    summary="DAGs of Apache Airflow.",
    handlers={"alchemesh:airflow:Dag": "alchemesh_platform.systems.airflow.handler:DagHandler"},
    servers=(("airflow", "address"),),
)
