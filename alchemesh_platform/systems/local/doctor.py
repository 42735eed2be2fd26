"""Checks of the local platform for `alchemesh doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alchemesh_platform.base.failure import Failure

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform

SERVING = frozenset({"postgresql-serving", "roapi"})  # and its former name
NOT_USED = "the environment has no data API on this machine"


def data_api(platform: Platform) -> str:
    """The programs of a data API on this machine."""
    if SERVING.isdisjoint(platform.components.values()):
        return NOT_USED
    from alchemesh_platform.systems.local.data_api.programs import program
    from alchemesh_platform.systems.local.data_api.serving.cluster import programs_folder

    return f"{programs_folder(_configured(platform)) / 'postgres'}, behind {program('caddy')}"


def guarded_sql(platform: Platform) -> str:
    """The programs that guard SQL."""
    if SERVING.isdisjoint(platform.components.values()):
        return NOT_USED
    from alchemesh_platform.systems.local.data_api.programs import guard_of, program
    from alchemesh_platform.systems.local.data_api.serving.cluster import programs_folder

    guard = guard_of(("sql",))
    if guard.warnings:
        raise Failure("; ".join(guard.warnings))
    postgres = programs_folder(_configured(platform)) / "postgres"
    return f"{postgres}, behind {program('pgbouncer')}, enclosed by {program('bwrap')}"


def memory_of_sql(platform: Platform) -> str:
    """The limits of memory that this machine can enforce on the statements of a data API."""
    if SERVING.isdisjoint(platform.components.values()):
        return NOT_USED
    from alchemesh_platform.machine.servers.cgroup import why_no_group

    reason = why_no_group()
    together = "all together by a control group" if reason is None else f"all together by no control group: {reason}"
    return f"each process is limited by the operating system, {together}"


def _configured(platform: Platform) -> str | None:
    """The folder of PostgreSQL's programs that the platform file names."""
    found = (platform.settings.get("local") or {}).get("postgresql")
    return found if isinstance(found, str) else None
