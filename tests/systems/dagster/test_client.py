"""The client of Dagster against a constructed server: down, slow, of another version, or no Dagster at all."""

from __future__ import annotations

import json
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from alchemesh_platform.base.remedy import with_text
from alchemesh_platform.base.secrets import MASK
from alchemesh_platform.machine.servers.ports import free_port
from alchemesh_platform.provider.handler import Context
from alchemesh_platform.sdk.code.engine import RunRequest
from alchemesh_platform.sdk.connections.job import JobConnection
from alchemesh_platform.systems.dagster import client, handler, workspace
from alchemesh_platform.systems.dagster.client import Dagster, DagsterFailed
from alchemesh_platform.systems.dagster.engine import ENGINE
from alchemesh_platform.systems.dagster.location import TRIED, CodeLocation, NotLoadable
from alchemesh_platform.systems.dagster.workspace import CodeServer, UnreadableWorkspace

Answer = Callable[[dict[str, Any]], tuple[int, bytes]]
REQUEST = RunRequest("r-1", "shop/orders", "local", ("7",))


def data(**found: Any) -> tuple[int, bytes]:
    return 200, json.dumps({"data": found}).encode()


class Constructed:
    """A server with given answers, which records the requests.

    Attributes:
        answer: Returns the status and the body of an answer to a query.
        seen: The queries, and the tokens.
    """

    def __init__(self) -> None:
        self.answer: Answer = lambda _query: data(version="1.13.28")
        self.seen: list[tuple[dict[str, Any], str | None]] = []
        self.hold = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.seen.append((query, self.headers.get("Dagster-Cloud-Api-Token")))
                status, body = server.answer(query)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: Any) -> None:
                """Print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def end(self) -> None:
        self.hold.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Constructed]:
    made = Constructed()
    yield made
    made.end()


def job(server: Constructed, **more: Any) -> JobConnection:
    return JobConnection(
        entrypoint="job.py",
        descriptor="/run/shop/orders/job.json",
        engine="dagster",
        engine_address=server.address,
        engine_job="shop.orders/code",
        **more,
    )


def test_a_dagster_that_is_down_is_named_with_the_fix() -> None:
    address = f"http://127.0.0.1:{free_port('127.0.0.1')}"
    with pytest.raises(DagsterFailed) as failed:
        Dagster(address).version()
    assert failed.value.message.startswith(f"Dagster at {address} does not answer: ")
    assert failed.value.hint is not None
    assert with_text(failed.value.hint, str).startswith("see that Dagster's webserver runs")


def test_a_slow_dagster_ends_at_the_time_limit(server: Constructed) -> None:
    def held(_query: dict[str, Any]) -> tuple[int, bytes]:
        server.hold.wait()
        return data()

    server.answer = held
    with pytest.raises(DagsterFailed, match=r"did not answer within 0 s$"):
        Dagster(server.address).ask("query { version }", seconds=0.05)


@pytest.mark.parametrize("version", ["1.8.13", "2.0.0", "0.15"])
def test_another_version_is_refused(server: Constructed, version: str) -> None:
    server.answer = lambda _query: data(version=version)
    expected = f"Dagster at {server.address} has version {version}, expected 1.9 or newer, and older than 2.0"
    with pytest.raises(DagsterFailed) as failed:
        Dagster(server.address).version()
    assert failed.value.message == expected


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, b"no"), "refuses the token (HTTP 401)"),
        ((200, b"<html>"), "is no Dagster: it answered HTTP 200 without JSON"),
        ((200, b"[]"), "refuses a query: HTTP 200"),
        ((400, b'{"errors": [{"message": "Cannot query field"}]}'), "refuses a query: Cannot query field"),
    ],
)
def test_answers_that_are_none_of_dagster_are_named(server: Constructed, answer: tuple[int, bytes], said: str) -> None:
    server.answer = lambda _query: answer
    with pytest.raises(DagsterFailed) as failed:
        Dagster(server.address).version()
    assert said in failed.value.message


def test_a_token_is_in_each_request_and_comes_from_the_environment(server: Constructed) -> None:
    server.answer = lambda _query: data(
        runOrError={
            "__typename": "Run",
            "runId": "a",
            "status": "SUCCESS",
            "startTime": 1.0,
            "endTime": 2.0,
            "tags": [],
        }
    )
    found = ENGINE.look(job(server, engine_login={"token": {"secret": "TOKEN"}}), "a", environ={"TOKEN": "t-1"})
    assert (found.state, found.url) == ("succeeded", f"{server.address}/runs/a")
    assert [token for _, token in server.seen] == ["t-1"]


def test_a_location_that_dagster_cannot_load_refuses_a_run_with_its_error(server: Constructed) -> None:
    broken = {"__typename": "PythonError", "message": "ImportError: no pandas\n  more", "stack": []}
    entry = {"name": "shop.orders", "loadStatus": "LOADED", "locationOrLoadError": broken}
    server.answer = lambda _query: data(workspaceOrError={"__typename": "Workspace", "locationEntries": [entry]})
    expected = f"Dagster at {server.address} cannot load it: ImportError: no pandas: code location shop.orders"
    with pytest.raises(DagsterFailed) as failed:
        ENGINE.start(job(server), REQUEST, environ={})
    assert failed.value.message == expected


def test_an_unknown_location_and_a_missing_run_are_refused(server: Constructed) -> None:
    server.answer = lambda _query: data(workspaceOrError={"__typename": "Workspace", "locationEntries": []})
    with pytest.raises(DagsterFailed, match=r"does not know it: code location shop\.orders$"):
        ENGINE.start(job(server), REQUEST, environ={})
    server.answer = lambda _query: data(runOrError={"__typename": "RunNotFoundError", "message": "Run x is missing"})
    with pytest.raises(DagsterFailed, match=r"refuses run x: Run x is missing$"):
        ENGINE.look(job(server), "x", environ={})


def test_runs_of_definitions_are_reported_with_their_rows_and_triggers(server: Constructed) -> None:
    def run(name: str, status: str, *tags: str, rows: int | None = None) -> dict[str, Any]:
        entries = [] if rows is None else [{"label": "dagster/row_count", "intValue": rows}]
        made = [{"assetKey": {"path": ["prices-table", "price"]}, "metadataEntries": entries}]
        return {
            "runId": name,
            "status": status,
            "startTime": 1.0,
            "endTime": None if status == "STARTED" else 2.0,
            "tags": [{"key": tag, "value": "x"} for tag in tags],
            "assetMaterializations": made,
        }

    loaded = {"__typename": "RepositoryLocation", "name": "shop.prices", "repositories": [{"name": "__repository__"}]}
    entry = {"name": "shop.prices", "loadStatus": "LOADED", "locationOrLoadError": loaded}
    runs = [run("a", "SUCCESS", "dagster/schedule_name", rows=3), run("b", "STARTED"), run("c", "CANCELED")]

    def answer(query: dict[str, Any]) -> tuple[int, bytes]:
        if "runsOrError" in query["query"]:
            return data(runsOrError={"__typename": "Runs", "results": runs})
        return data(workspaceOrError={"__typename": "Workspace", "locationEntries": [entry]})

    server.answer = answer
    of = JobConnection(
        entrypoint="defs.py", engine="dagster", engine_address=server.address, engine_job="shop.prices/__ASSET_JOB"
    )
    found = ENGINE.runs(of, datetime(2026, 1, 1, tzinfo=UTC), environ={})
    assert [(each.id, each.state, each.trigger, dict(each.written or {})) for each in found] == [
        ("a", "succeeded", "schedule", {"prices-table/price": 3}),
        ("b", "running", "manual", {}),
        ("c", "cancelled", "manual", {}),
    ]
    assert server.seen[-1][0]["variables"]["filter"]["tags"] == [
        {"key": ".dagster/repository", "value": "__repository__@shop.prices"}
    ]
    assert ENGINE.runs(job(server), datetime(2026, 1, 1, tzinfo=UTC), environ={}) == ()


def test_entries_of_others_stay_in_the_workspace_file(tmp_path: Path) -> None:
    file = tmp_path / "workspace.yaml"
    others = "load_from:\n- python_file: theirs.py\n- grpc_server:\n    host: far\n    port: 4000\n"
    file.write_text(others, "utf-8")
    own = CodeServer("shop.orders", "127.0.0.1", 5000)
    assert workspace.add(file, own)
    assert not workspace.add(file, own)
    assert workspace.servers(file) == {"shop.orders": own}
    assert "theirs.py" in file.read_text("utf-8")
    assert workspace.remove(file, "shop.orders")
    assert file.read_text("utf-8") == others


def test_a_damaged_workspace_file_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "workspace.yaml"
    file.write_text("load_from:\n- a: [\n", "utf-8")
    with pytest.raises(UnreadableWorkspace, match=r"workspace\.yaml, line 3 is no YAML$"):
        workspace.add(file, CodeServer("shop.orders", "127.0.0.1", 5000))
    assert file.read_text("utf-8") == "load_from:\n- a: [\n"


def test_the_workspace_file_of_a_platform_team_keeps_its_rights(tmp_path: Path) -> None:
    file = tmp_path / "workspace.yaml"
    file.write_text("load_from: []\n", "utf-8")
    file.chmod(0o664)
    assert workspace.add(file, CodeServer("shop.orders", "127.0.0.1", 5000))
    assert stat.S_IMODE(file.stat().st_mode) == 0o664


@pytest.mark.parametrize(
    ("name", "descriptor", "config"),
    [
        ("nightly", "/run/shop/orders/job.json", {"request": "r-1", "trigger": "manual", "arguments": ["7"]}),
        ("code", None, None),
    ],
)
def test_an_entrypoint_gets_its_request_whatever_its_job_is_named(
    server: Constructed, name: str, descriptor: str | None, config: dict[str, Any] | None
) -> None:
    loaded = {"__typename": "RepositoryLocation", "name": "shop.orders", "repositories": [{"name": "__repository__"}]}
    entry = {"name": "shop.orders", "loadStatus": "LOADED", "locationOrLoadError": loaded}
    run = {"runId": "a", "status": "A_STATE_OF_A_NEWER_DAGSTER", "tags": []}

    def answer(query: dict[str, Any]) -> tuple[int, bytes]:
        if "launchRun" in query["query"]:
            return data(launchRun={"__typename": "LaunchRunSuccess", "run": run})
        return data(workspaceOrError={"__typename": "Workspace", "locationEntries": [entry]})

    server.answer = answer
    of = JobConnection(
        entrypoint="job.py",
        descriptor=descriptor,
        engine="dagster",
        engine_address=server.address,
        engine_job=f"shop.orders/{name}",
    )
    request = RunRequest("r-1", "shop/orders", "local", ("7",) if config else ())
    assert ENGINE.start(of, request, environ={}).state == "running"
    sent = server.seen[-1][0]["variables"]["params"]
    assert sent["selector"]["jobName"] == name
    assert sent["runConfigData"] == ({} if config is None else {"ops": {"run_entrypoint": {"config": config}}})


def test_a_restart_of_the_webserver_does_not_end_the_look_at_a_run(
    server: Constructed, monkeypatch: pytest.MonkeyPatch
) -> None:
    import httpx

    monkeypatch.setattr(client, "_WAIT_SECONDS", 0.0)
    server.answer = lambda _query: data(
        runOrError={"__typename": "Run", "runId": "a", "status": "STARTED", "startTime": 1.0, "tags": []}
    )
    sent, post = [], httpx.post

    def flaky(*arguments: Any, **options: Any) -> httpx.Response:
        sent.append(arguments)
        if len(sent) < 3:
            raise httpx.ConnectError("refused")
        return post(*arguments, **options)

    monkeypatch.setattr(httpx, "post", flaky)
    assert ENGINE.look(job(server), "a", environ={}).state == "running"
    assert len(sent) == 3


def location_of(folder: Path, program: str, connections: str | None = None) -> CodeLocation:
    """A location, and a program in place of its Python."""
    python = folder / "python"
    python.write_text(f"#!{sys.executable}\nimport os, pathlib, sys\n{program}\n")
    python.chmod(0o755)
    return CodeLocation(
        name="shop.prices",
        folder=folder / "location",
        dagster_home=folder,
        python=str(python),
        host="127.0.0.1",
        document={"working_directory": str(folder)},
        connections=connections,
    )


def test_the_traceback_of_definitions_shows_no_secret(tmp_path: Path) -> None:
    """The code of a team may have a key in an error."""
    program = f"print('{TRIED}\\nthe key ' + os.environ['PASSWORD'] + ' is wrong')\nsys.exit(1)"
    with pytest.raises(NotLoadable) as failed:
        location_of(tmp_path, program).attempt({"PASSWORD": "pa55-w0rd"})
    assert failed.value.message == f"Dagster cannot load it: the key {MASK} is wrong"


def test_a_location_that_cannot_be_loaded_leaves_the_connections_of_the_deployed_one(tmp_path: Path) -> None:
    (tmp_path / "location").mkdir()
    (tmp_path / "location" / "connections.json").write_text('{"old": 1}')
    program = f"print('{TRIED}\\n' + pathlib.Path(os.environ['ALCHEMESH_CONNECTIONS']).read_text())\nsys.exit(1)"
    with pytest.raises(NotLoadable) as failed:
        location_of(tmp_path, program, '{"new": 2}').attempt({})
    assert failed.value.message == 'Dagster cannot load it: {"new": 2}'
    files = {each.name: each.read_text() for each in (tmp_path / "location").iterdir()}
    assert files == {"connections.json": '{"old": 1}'}


def test_a_secret_that_only_the_code_server_has_stays_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new secret restarts the server's supervisor, with all that it receives."""
    inputs = handler.CodeLocationInputs(
        name="shop.orders",
        owner="shop/orders/code",
        home=str(tmp_path),
        working_directory=str(tmp_path),
        job="code",
        entrypoint="job.py",
        descriptor="/run/shop/orders/job.json",
        secrets=("NEW_KEY", "OLD_KEY", "NO_KEY"),
    )
    monkeypatch.setenv("NEW_KEY", "new-value")
    monkeypatch.delenv("OLD_KEY", raising=False)
    kept = {str(tmp_path / "locations" / "shop.orders"): {"OLD_KEY": "old-value", "NEW_KEY": "former", "PATH": "/bin"}}
    monkeypatch.setattr(handler, "variables_of", lambda folder: kept[str(folder)])
    said: list[str] = []
    context = Context(
        urn="urn:pulumi:local::shop.orders::alchemesh:dagster:CodeLocation::code-location",
        stop=threading.Event(),
        registry=lambda: pytest.fail("no registry is needed"),
        report=lambda _severity, line: said.append(line),
    )
    assert handler._secrets(inputs, context) == {"NEW_KEY": "new-value", "OLD_KEY": "old-value"}
    assert said == [
        "code location shop.orders: NO_KEY, OLD_KEY have no value in this process, and its code server keeps a former "
        "value; without one, its runs fail"
    ]
