"""The PostgreSQL of a serving copy: a folder that is used again, or made again."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import psycopg
import pytest

from alchemesh_platform.machine.servers.cgroup import why_no_group
from alchemesh_platform.machine.servers.processes import Program
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.systems.local.data_api.serving.cluster import Cluster, programs_folder
from alchemesh_platform.systems.local.data_api.serving.consumers.fairness import server_below
from alchemesh_platform.systems.local.data_api.serving.consumers.limits import Limits
from alchemesh_platform.systems.local.data_api.serving.consumers.roles import is_reserved, keep_roles
from alchemesh_platform.systems.local.data_api.serving.place import ADMIN, DATABASE, connect
from alchemesh_platform.systems.local.data_api.serving.programs import programs
from alchemesh_platform.systems.local.doctor import memory_of_sql
from tests.systems.local.serving.conftest import running
from tests.waiting import arguments_of

pytestmark = pytest.mark.slow


def test_a_clean_end_keeps_the_rows_and_an_unclean_one_makes_the_folder_again(tmp_path: Path) -> None:
    """`fsync` is off: the folder of a killed server may be damaged."""
    (tmp_path / "s").mkdir()
    cluster = Cluster(str(tmp_path / "serving"), str(tmp_path / "s"), str(programs_folder()), True)
    place = cluster.place
    with running(cluster), connect(place) as session:
        session.execute("CREATE TABLE public.kept (id bigint)")
    with running(cluster) as server:
        with connect(place) as session:
            assert session.execute("SELECT to_regclass('kept')").fetchone() == ("kept",)
        pid = server_below(server.pid)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert server.wait(60) != 0
    with running(cluster), connect(place) as session:
        assert session.execute("SELECT to_regclass('kept')").fetchone() == (None,)


def test_the_superuser_needs_its_password_on_every_socket(cluster: Cluster) -> None:
    for folder in (cluster.place.consumers_socket, cluster.place.admin_socket):
        for user in (ADMIN, "nobody", "postgres"):
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(f"host={folder} user={user} dbname={DATABASE}")
    with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf"):
        psycopg.connect(f"host={cluster.place.consumers_socket} user=ada dbname=postgres")


def test_names_of_the_platform_are_no_consumers(cluster: Cluster) -> None:
    assert [name for name in (ADMIN, "pg_read_all_data", "ada") if is_reserved(name)] == [ADMIN, "pg_read_all_data"]
    keep_roles(cluster.place, ["ada", ADMIN, "pg_read_all_data"])
    with connect(cluster.place) as session:
        members = session.execute(
            "SELECT member::regrole::text FROM pg_auth_members WHERE roleid = 'alchemesh_reader'::regrole"
        ).fetchall()
    assert members == [("ada",)]


def test_a_changed_limit_restarts_what_reads_it(cluster: Cluster, tmp_path: Path) -> None:
    def commands(limits: Limits) -> tuple[Program, Program]:
        return programs(cluster.place, tmp_path, (), limits, names=("p", "l"), enclosed=True)

    before, after = commands(Limits()), commands(Limits(statement_seconds=5))
    assert before == commands(Limits())
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_postgresql_is_in_a_control_group_where_the_machine_gives_one(cluster: Cluster) -> None:
    with connect(cluster.place):
        (backend,) = (
            process.pid
            for process in psutil.Process().children(recursive=True)
            if f"postgres: {ADMIN} {DATABASE}" in " ".join(arguments_of(process))
        )
        joined = "alchemesh-" in Path(f"/proc/{backend}/cgroup").read_text()
    assert joined == (why_no_group() is None)
    said = memory_of_sql(load_platform(None, "local", Path(cluster.folder)))
    assert said.startswith("each process is limited by the operating system, all together by ")
    assert said.endswith("by a control group") == joined


def test_a_control_group_holds_all_statements_and_half_of_the_machine() -> None:
    """The cache of files counts in the group: a smaller limit would slow down large tables."""
    half = psutil.virtual_memory().total // 2
    assert abs(Limits(memory_megabytes=128, statement_megabytes=64).group_bytes - half) < half / 10
    assert Limits(memory_megabytes=10_000_000, statement_megabytes=64).group_bytes == 10_000_832 * 1_000_000
