"""The gateway of a data API: real Caddy, PgBouncer and bubblewrap before a real roapi."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import psutil
import psycopg
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from alchemesh_platform.connections import Credential
from alchemesh_platform.local import programs
from alchemesh_platform.local.consumers import Entry, read_entries, remove_entry, write_entry
from alchemesh_platform.local.credentials import CredentialFailed, Issued, user_name
from alchemesh_platform.local.data_api import DataApi, Endpoints, ServedTable, bring_up, take_down, trouble
from alchemesh_platform.local.gateway import Gateway
from alchemesh_platform.local.gateway_files import ACCESS_LOG
from alchemesh_platform.local.grants import admit, dismiss, join
from alchemesh_platform.local.issuing import issue
from alchemesh_platform.local.supervisor import config_folder

SECONDS = 60.0
REFUSED = {"sql": "refused", "rest": 401, "graphql": 401}
LET_IN = {"sql": "let in", "rest": 200, "graphql": 200}
Door = Literal["sql", "rest", "graphql"]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataApi]:
    """A data API over a table of one flight."""
    folder = tmp_path_factory.mktemp("data-api")
    write_deltalake(folder / "flight", pa.table({"id": ["UA1"]}))
    table = ServedTable("flight", (folder / "flight").as_uri(), "delta")
    wanted = DataApi("flights-table", folder / "run", (table,), ("sql", "rest", "graphql"))
    yield wanted
    take_down(wanted)


@pytest.fixture
def endpoints(api: DataApi) -> Endpoints:
    """Where it answers; it is brought up where a test took it down."""
    return bring_up(api)


@pytest.fixture
def gateway(api: DataApi, endpoints: Endpoints) -> Gateway:
    """Its gateway."""
    return Gateway(api.run_directory, api.process)


def until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def web(url: str, credential: Issued | None, body: str | None = None, method: str | None = None) -> tuple[int, str]:
    """Status and text of an answer over HTTP."""
    headers = Credential(credential.user, credential.password).headers() if credential else {}
    request = urllib.request.Request(url, body.encode() if body else None, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:  # nobody listens, just now
        return 0, str(error)


def connect(endpoints: Endpoints, credential: Issued | None, database: str | None = None) -> psycopg.Connection[Any]:
    who = {"user": credential.user, "password": credential.password} if credential else {"user": "somebody"}
    database = database or who["user"]
    return psycopg.connect(endpoints.sql or "", dbname=database, autocommit=True, connect_timeout=30, **who)


def query(connection: psycopg.Connection[Any], statement: str) -> list[tuple[Any, ...]]:
    cursor = psycopg.ClientCursor(connection).execute(statement)
    return cursor.fetchall() if cursor.description else []


def doors(endpoints: Endpoints, credential: Issued | None) -> dict[str, object]:
    """What each protocol says to a credential."""
    try:
        with connect(endpoints, credential) as connection:
            assert query(connection, "SELECT id FROM flight") == [("UA1",)]
            sql = "let in"
    except psycopg.OperationalError:
        sql = "refused"
    return {
        "sql": sql,
        "rest": web(f"{endpoints.rest}/tables/flight", credential)[0],
        "graphql": web(str(endpoints.graphql), credential, "{ flight { id } }")[0],
    }


def let_in(gateway: Gateway, request: str, ends_at: datetime | None = None) -> Issued:
    """A consumer with a grant and a credential."""
    return issue(gateway, admit(gateway, consumer="ops/punctuality", request=request, ends_at=ends_at).user)


def test_nobody_gets_in_without_a_credential_or_with_a_wrong_one(endpoints: Endpoints, gateway: Gateway) -> None:
    assert doors(endpoints, None) == REFUSED
    right = let_in(gateway, "req-wrong")
    assert doors(endpoints, Issued(right.user, "wrong")) == REFUSED
    assert doors(endpoints, Issued(right.user, "")) == REFUSED
    assert doors(endpoints, Issued("nobody", right.password)) == REFUSED
    assert doors(endpoints, right) == LET_IN


def test_a_grant_alone_lets_nobody_in(endpoints: Endpoints, gateway: Gateway) -> None:
    entry = admit(gateway, consumer="ops/punctuality", request="req-alone")
    assert doors(endpoints, Issued(entry.user, "")) == REFUSED


def test_a_new_credential_replaces_the_old_one(endpoints: Endpoints, gateway: Gateway) -> None:
    old = let_in(gateway, "req-rotate")
    new = issue(gateway, old.user)
    assert new.password != old.password
    assert (doors(endpoints, old), doors(endpoints, new)) == (REFUSED, LET_IN)
    admit(gateway, consumer="ops/punctuality", request="req-rotate")
    assert doors(endpoints, new) == LET_IN, "granting again keeps the credential"


def test_who_is_let_out_is_refused_at_once_and_nobody_else_notices(endpoints: Endpoints, gateway: Gateway) -> None:
    leaves, stays = let_in(gateway, "req-leaves"), let_in(gateway, "req-stays")
    with connect(endpoints, leaves) as theirs, connect(endpoints, stays) as others:
        assert query(theirs, "SELECT id FROM flight") == query(others, "SELECT id FROM flight") == [("UA1",)]
        dismiss(gateway, "req-leaves")
        with pytest.raises(psycopg.OperationalError):
            query(theirs, "SELECT id FROM flight")
        assert query(others, "SELECT id FROM flight") == [("UA1",)]
    assert (doors(endpoints, leaves), doors(endpoints, stays)) == (REFUSED, LET_IN)
    dismiss(gateway, "req-leaves")


def test_a_product_is_let_in_by_the_grant_of_its_team_until_that_ends(endpoints: Endpoints, gateway: Gateway) -> None:
    with pytest.raises(CredentialFailed, match="lets nobody in for req-team"):
        join(gateway, consumer="ops/punctuality", request="req-team")
    team = issue(gateway, admit(gateway, consumer="ops/desk", request="req-team").user)
    product = issue(gateway, join(gateway, consumer="ops/punctuality", request="req-team").user)
    assert product.user != team.user
    assert [doors(endpoints, one) for one in (team, product)] == [LET_IN, LET_IN]
    admit(gateway, consumer="ops/desk", request="req-team", ends_at=datetime.now(UTC) - timedelta(seconds=1))
    assert [doors(endpoints, one) for one in (team, product)] == [REFUSED, REFUSED]
    admit(gateway, consumer="ops/desk", request="req-team")
    assert [doors(endpoints, one) for one in (team, product)] == [LET_IN, LET_IN]
    dismiss(gateway, "req-team")
    assert [doors(endpoints, one) for one in (team, product)] == [REFUSED, REFUSED]


def test_access_ends_by_itself_when_no_command_runs(endpoints: Endpoints, gateway: Gateway) -> None:
    short = let_in(gateway, "req-short", datetime.now(UTC) + timedelta(seconds=6))
    stays = let_in(gateway, "req-longer", datetime.now(UTC) + timedelta(days=1))
    with connect(endpoints, short) as theirs:
        assert query(theirs, "SELECT id FROM flight") == [("UA1",)]
        until(lambda: doors(endpoints, short) == REFUSED, "it ends")
        with pytest.raises(psycopg.OperationalError):
            query(theirs, "SELECT 1")
    assert doors(endpoints, stays) == LET_IN
    past = let_in(gateway, "req-past", datetime.now(UTC) - timedelta(seconds=1))
    assert doors(endpoints, past) == REFUSED


def test_a_consumer_gets_into_no_database_but_its_own(endpoints: Endpoints, gateway: Gateway) -> None:
    one, other = let_in(gateway, "req-one"), let_in(gateway, "req-other")
    for database in (other.user, "owner", "pgbouncer", "postgres"):
        with pytest.raises(psycopg.OperationalError):
            connect(endpoints, one, database)


def test_the_credential_of_one_data_api_is_refused_at_another(
    api: DataApi, endpoints: Endpoints, gateway: Gateway
) -> None:
    mine = let_in(gateway, "req-mine")
    other = DataApi("gates-table", api.run_directory, api.tables, api.protocols)
    try:
        there = bring_up(other)
        theirs = Gateway(other.run_directory, other.process)
        admit(theirs, consumer="ops/punctuality", request="req-mine")
        assert doors(there, mine) == REFUSED
        assert doors(there, issue(theirs, mine.user)) == LET_IN
        assert doors(endpoints, mine) == LET_IN
    finally:
        take_down(other)


def test_there_is_no_other_door(api: DataApi, endpoints: Endpoints, gateway: Gateway) -> None:
    """Whatever any of its processes listens on: from outside only the gateway's two ports are there."""
    daemon = psutil.Process(int((config_folder(api.run_directory) / "supervisord.pid").read_text()))
    with connect(endpoints, let_in(gateway, "req-door")) as connection:
        query(connection, "SELECT 1")
        servers = [process for process in daemon.children(recursive=True) if process.name() == "roapi"]
        assert len(servers) == 2, "one for HTTP, one for this connection"
        inside = {port for server in servers for port in listened_on(server.pid)}
        outside = {
            connection.laddr.port
            for process in daemon.children(recursive=True)
            for connection in process.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        }
        assert len(inside) >= 4, "HTTP, PostgreSQL and Flight SQL"
        assert not {port for port in inside if answers(port)}
    assert outside == {endpoints.http_port, endpoints.postgres_port}
    assert stat.S_IMODE(gateway.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(gateway.sockets.stat().st_mode) == 0o700


def listened_on(pid: int) -> list[int]:
    """Ports that are listened on in the network of a process, proc(5)."""
    lines = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    fields = [line.split() for line in lines]
    return [int(field[1].rpartition(":")[2], 16) for field in fields if field[3] == "0A"]


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/table"),
        ("GET", "/api/table"),
        ("POST", "/api/tables/flight"),
        ("DELETE", "/api/tables/flight"),
        ("GET", "/api/sql"),
        ("GET", "/"),
        ("GET", "/health"),
        ("POST", "/api/tables/../table"),
        ("POST", "/api//table"),
    ],
)
def test_what_is_not_offered_does_not_get_through(
    endpoints: Endpoints, gateway: Gateway, method: str, path: str
) -> None:
    url = f"http://127.0.0.1:{endpoints.http_port}{path}"
    body = '[{"tableName": "secrets", "uri": "/etc/passwd", "option": {"format": "csv"}}]' if method == "POST" else None
    assert web(url, None, body, method)[0] == 401
    assert web(url, let_in(gateway, "req-paths"), body, method)[0] == 404


@pytest.mark.parametrize(("protocol", "kept"), [("rest", {"rest"}), ("graphql", {"graphql"}), ("sql", {"sql"})])
def test_only_the_protocols_that_are_offered_get_through(
    api: DataApi, protocol: Literal["sql", "rest", "graphql"], kept: set[str], tmp_path: Path
) -> None:
    only = DataApi("only", tmp_path / "run", api.tables, (protocol,))
    try:
        there = bring_up(only)
        credential = let_in(Gateway(only.run_directory, only.process), "req-only")
        assert set(there.offered()) == kept
        web_door = f"http://127.0.0.1:{there.http_port}/api"
        if protocol == "sql":
            with socket.socket() as probe:
                assert probe.connect_ex(("127.0.0.1", there.http_port)) != 0
            return
        assert web(f"{web_door}/tables/flight", credential)[0] == (200 if protocol == "rest" else 404)
        assert web(f"{web_door}/sql", credential, "SELECT 1")[0] == (200 if protocol == "rest" else 404)
        assert web(f"{web_door}/graphql", credential, "{ flight { id } }")[0] == (200 if protocol == "graphql" else 404)
    finally:
        take_down(only)


@pytest.mark.parametrize("door", ["sql", "rest"])
def test_statements_reach_no_file_of_this_machine(
    api: DataApi, endpoints: Endpoints, gateway: Gateway, tmp_path: Path, door: Door
) -> None:
    credential = let_in(gateway, "req-files")
    (tmp_path / "secret.csv").write_text("password\nhunter2\n")
    table = Path(api.tables[0].url.removeprefix("file://"))
    before = sorted(table.rglob("*"))

    def say(*statements: str) -> str:
        """All answers and refusals to statements of one session."""
        said = []
        if door == "rest":
            return str([web(f"{endpoints.rest}/sql", credential, statement)[1] for statement in statements])
        with connect(endpoints, credential) as connection:
            for statement in statements:
                try:
                    said.append(str(query(connection, statement)))
                except psycopg.Error as error:
                    said.append(str(error))
        return str(said)

    for number, file in enumerate((tmp_path / "secret.csv", Path("/etc/passwd"), gateway.folder / "caddy.json")):
        answer = say(
            f"CREATE EXTERNAL TABLE stolen_{number} (line varchar) STORED AS CSV LOCATION '{file}'",
            f"SELECT * FROM stolen_{number}",
            f"SELECT * FROM '{file}'",
        )
        assert not any(secret in answer for secret in ("hunter2", "root:", "$2a$")), answer
    for target in (tmp_path / "out.csv", Path("/out.csv"), Path("/tables/flight/out.csv"), table / "out.csv"):
        say(f"COPY flight TO '{target}' STORED AS CSV", f"COPY (SELECT 1) TO '{target}' STORED AS CSV")
    say("INSERT INTO flight VALUES ('XX9')", "DELETE FROM flight", "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/'")
    assert not (tmp_path / "out.csv").exists()
    assert sorted(table.rglob("*")) == before


def test_a_consumer_cannot_change_what_others_see(endpoints: Endpoints, gateway: Gateway) -> None:
    """The tables of roapi's SQL are everybody's: a consumer once could drop one, or put another in its place."""
    bad, good = let_in(gateway, "req-bad"), let_in(gateway, "req-good")
    with connect(endpoints, good) as others, connect(endpoints, bad) as theirs:
        query(theirs, "DROP TABLE flight")
        query(theirs, "CREATE VIEW flight AS SELECT 'fake' AS id")
        assert query(theirs, "SELECT id FROM flight") == [("fake",)]
        assert query(others, "SELECT id FROM flight") == [("UA1",)]
        assert doors(endpoints, good) == LET_IN
    assert web(f"{endpoints.rest}/sql", bad, "DROP TABLE flight")[0] == 400
    assert doors(endpoints, bad) == LET_IN, "the next session starts anew"


def test_without_an_enclosure_what_cannot_be_guarded_is_not_offered(
    api: DataApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "why_not_enclosed", lambda: "no namespaces here")
    bare = DataApi("bare", tmp_path / "run", api.tables, ("sql", "rest", "graphql"))
    try:
        there = bring_up(bare)
        assert set(there.offered()) == {"rest", "graphql"}
        credential = let_in(Gateway(bare.run_directory, bare.process), "req-bare")
        rest, graphql = f"{there.rest}/tables/flight", str(there.graphql)
        assert (web(rest, None)[0], web(graphql, None, "{ flight { id } }")[0]) == (401, 401)
        assert (web(rest, credential)[0], web(graphql, credential, "{ flight { id } }")[0]) == (200, 200)
        assert web(f"{there.rest}/sql", credential, "SELECT 1")[0] == 404
        assert trouble(bare, there) is None
        assert bring_up(bare) == there
        monkeypatch.undo()
        assert trouble(bare, there) == "sql can be guarded now, and so offered"
        closed = bring_up(bare)
        assert (closed.rest, doors(closed, credential)) == (there.rest, LET_IN)
    finally:
        take_down(bare)


def test_drivers_settings_are_taken(endpoints: Endpoints, gateway: Gateway) -> None:
    credential = let_in(gateway, "req-driver")
    options = "-c statement_timeout=5000 -c search_path=public"
    with psycopg.connect(
        endpoints.sql or "",
        user=credential.user,
        password=credential.password,
        dbname=credential.user,
        autocommit=True,
        application_name="a driver",
        client_encoding="utf8",
        options=options,
    ) as connection:
        assert query(connection, "SELECT id FROM flight") == [("UA1",)]


def processes_named(api: DataApi, name: str) -> list[psutil.Process]:
    daemon = psutil.Process(int((config_folder(api.run_directory) / "supervisord.pid").read_text()))
    return [process for process in daemon.children(recursive=True) if process.name() == name]


@pytest.mark.parametrize("killed", ["caddy", "pgbouncer", "roapi", "python3.", "bwrap"])
def test_a_killed_process_comes_back_and_still_asks_for_credentials(
    api: DataApi, endpoints: Endpoints, gateway: Gateway, killed: str
) -> None:
    credential = let_in(gateway, "req-killed")
    daemon = psutil.Process(int((config_folder(api.run_directory) / "supervisord.pid").read_text()))
    victims = [process for process in daemon.children(recursive=True) if process.name().startswith(killed)]
    assert victims
    for victim in victims:
        os.kill(victim.pid, signal.SIGKILL)
    until(lambda: doors(endpoints, credential) == LET_IN, "it is back by itself")
    assert doors(endpoints, None) == REFUSED
    assert bring_up(api) == endpoints
    assert trouble(api, endpoints) is None


def test_a_killed_supervisor_is_replaced_with_the_consumers_still_let_in(
    api: DataApi, endpoints: Endpoints, gateway: Gateway
) -> None:
    credential = let_in(gateway, "req-supervisor")
    os.kill(int((config_folder(api.run_directory) / "supervisord.pid").read_text()), signal.SIGKILL)
    until(lambda: trouble(api, endpoints), "it is noticed")
    assert bring_up(api) == endpoints
    assert (doors(endpoints, credential), doors(endpoints, None)) == (LET_IN, REFUSED)


def test_two_grants_at_once_are_both_let_in(endpoints: Endpoints, gateway: Gateway) -> None:
    issued: list[Issued] = []
    threads = [
        threading.Thread(target=lambda number=number: issued.append(let_in(gateway, f"req-at-once-{number}")))
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [doors(endpoints, one) for one in issued] == [LET_IN] * 4


def test_hundreds_of_grants_are_let_in_side_by_side(endpoints: Endpoints, gateway: Gateway) -> None:
    template = let_in(gateway, "req-template")
    hashes = next(entry for entry in read_entries(gateway.folder) if entry.user == template.user)
    for number in range(400):
        user = user_name("ops/many", f"req-{number}")
        write_entry(gateway.folder, hashes.model_copy(update={"user": user, "request": f"req-{number}"}))
    last = let_in(gateway, "req-last")
    some = [Issued(user_name("ops/many", f"req-{number}"), template.password) for number in (0, 200, 399)]
    assert [doors(endpoints, one) for one in (*some, last)] == [LET_IN] * 4
    dismiss(gateway, "req-200")
    assert [doors(endpoints, one) for one in some] == [LET_IN, REFUSED, LET_IN]
    for number in range(400):
        (gateway.folder / "consumers" / f"{user_name('ops/many', f'req-{number}')}.json").unlink(missing_ok=True)


def test_nothing_secret_is_anywhere_but_in_the_files_of_our_own_credentials(
    api: DataApi, endpoints: Endpoints, gateway: Gateway
) -> None:
    credential = let_in(gateway, "req-secret")
    assert doors(endpoints, credential) == LET_IN
    own = [json.loads((gateway.folder / f"{user}.credential.json").read_text()) for user in ("owner", "health")]
    secrets = [credential.password, *(one["password"] for one in own)]
    found = set()
    for path in api.run_directory.rglob("*"):
        if path.is_file() and any(secret.encode() in path.read_bytes() for secret in secrets):
            found.add(path.name)
    assert found == {"owner.credential.json", "health.credential.json"}
    for path in (*gateway.folder.glob("*.json"), *gateway.folder.glob("pgbouncer.*"), *gateway.folder.glob("*/*.json")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    for process in psutil.Process(int((config_folder(api.run_directory) / "supervisord.pid").read_text())).children(
        recursive=True
    ):
        assert not any(secret in " ".join(process.cmdline()) for secret in secrets)
        assert not any(secret in str(process.environ()) for secret in secrets)
    assert credential.password not in repr(credential)


def test_each_request_is_logged_with_its_consumer_time_and_size(endpoints: Endpoints, gateway: Gateway) -> None:
    credential = let_in(gateway, "req-meter")
    web(f"{endpoints.rest}/tables/flight", credential)
    with connect(endpoints, credential) as connection:
        query(connection, "SELECT id FROM flight")

    def logged() -> list[dict[str, Any]]:
        lines = (gateway.folder / ACCESS_LOG).read_text().splitlines()
        return [entry for line in lines if (entry := json.loads(line))["user_id"] == credential.user]

    until(logged, "it is logged")
    (entry,) = logged()
    assert entry["status"] == 200
    assert entry["size"] == len('[{"id":"UA1"}]')
    assert entry["duration"] > 0
    console = f"host={gateway.sockets / 'console'} port={endpoints.postgres_port} user=pgbouncer dbname=pgbouncer"
    with psycopg.connect(console, autocommit=True) as connection:
        cursor = psycopg.ClientCursor(connection).execute("SHOW STATS")
        names = [column.name for column in cursor.description or ()]
        statistics = {row[0]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}
    assert statistics[credential.user]["total_query_count"] == 1
    assert statistics[credential.user]["total_sent"] > 0


def test_a_file_that_cannot_be_read_lets_nobody_in_and_keeps_nobody_out(endpoints: Endpoints, gateway: Gateway) -> None:
    broken = gateway.folder / "consumers" / "broken.json"
    broken.write_text('{"user": "broken", "scram": "hunter2"}')
    try:
        assert doors(endpoints, let_in(gateway, "req-beside")) == LET_IN
        with pytest.raises(CredentialFailed, match=r"broken.json: .*scram") as refused:
            issue(gateway, "broken")
        assert "hunter2" not in str(refused.value)
    finally:
        broken.unlink()


def test_a_hand_made_entry_is_let_in_and_not_taken_over(endpoints: Endpoints, gateway: Gateway) -> None:
    user = user_name("ops/punctuality", "req-by-hand")
    write_entry(gateway.folder, Entry(user=user, consumer="a friend"))
    assert doors(endpoints, issue(gateway, user)) == LET_IN
    with pytest.raises(CredentialFailed, match="by hand"):
        admit(gateway, consumer="ops/punctuality", request="req-by-hand")
    remove_entry(gateway.folder, user)
