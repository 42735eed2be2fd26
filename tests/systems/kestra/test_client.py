"""The client of Kestra's REST API, against answers that a Kestra, a broken one and other servers give."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from alchemesh_platform.base.secrets import SecretMissing, SecretRef
from alchemesh_platform.sdk.code.engine import RunRequest
from alchemesh_platform.sdk.connections.job import JobConnection
from alchemesh_platform.systems.kestra import client as module
from alchemesh_platform.systems.kestra.client import Kestra, KestraFailed, NotThere, Place
from alchemesh_platform.systems.kestra.engine import KestraEngine

EXECUTION = {
    "id": "4hu8",
    "labels": [{"key": "alchemesh-request", "value": "r1"}],
    "state": {"current": "RUNNING", "startDate": "2026-11-30T06:00:00.123456789Z", "histories": []},
}


@dataclass
class Answers:
    """A server with an answer for each method and path; one without is 404. It keeps the requests."""

    url: str = ""
    given: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    logins: set[str | None] = field(default_factory=set)

    def say(self, request: str, status: int, body: Any) -> None:
        """Answer a request; several answers come one after the other, and the last one stays."""
        self.given.setdefault(request, []).append((status, body))


@pytest.fixture
def answers() -> Iterator[Answers]:
    found = Answers()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = f"{self.command} {self.path.partition('?')[0]}"
            found.asked.append(request)
            found.logins.add(self.headers.get("Authorization"))
            left = found.given.get(request, [(404, {"message": "Not Found"})])
            status, body = left.pop(0) if len(left) > 1 else left[0]
            sent = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_PUT = do_DELETE = answer

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


def kestra(answers: Answers, version: str = "2.0.0") -> Kestra:
    answers.say("GET /api/v1/configs", 200, {"version": version})
    return Kestra(Place(address=f"{answers.url}/"), {})


def test_a_server_that_is_no_kestra_is_named(answers: Answers) -> None:
    answers.say("GET /api/v1/configs", 200, "<html>Welcome</html>")
    with pytest.raises(KestraFailed, match=f"{answers.url} is no Kestra: its answer is no JSON") as raised:
        Kestra(Place(address=answers.url), {}).flow("a.b", "code")
    assert raised.value.hint is not None
    assert "settings.kestra.address" in raised.value.hint


def test_an_old_kestra_is_refused_with_its_version(answers: Answers) -> None:
    said = re.escape(f"Kestra at {answers.url} is 0.24.3, expected 1.0 or newer")
    with pytest.raises(KestraFailed, match=said):
        kestra(answers, "0.24.3").validate("id: code")


@pytest.mark.parametrize(
    ("version", "path"), [("1.2.4", "kill"), ("2.0.0", "actions/kill"), ("2.1.0-rc", "actions/kill")]
)
def test_an_execution_ends_by_the_path_of_the_version(answers: Answers, version: str, path: str) -> None:
    asked = f"DELETE /api/v1/main/executions/4hu8/{path}"
    answers.say(asked, 409, {"message": "Illegal state: it has ended"})
    kestra(answers, version).kill("4hu8")
    assert answers.asked[-1] == asked


@pytest.mark.parametrize(
    ("status", "said", "hint"),
    [
        (401, "does not know who we are", "settings.kestra.username"),
        (403, "does not allow GET /api/v1/main/flows/a.b/code: You shall not", "an administrator of Kestra grants"),
        (500, "answers GET /api/v1/main/flows/a.b/code with 500: You shall not", None),
    ],
)
def test_a_refusal_names_its_fix(answers: Answers, status: int, said: str, hint: str | None) -> None:
    answers.say("GET /api/v1/main/flows/a.b/code", status, {"message": "You shall not"})
    with pytest.raises(KestraFailed) as raised:
        kestra(answers).flow("a.b", "code")
    assert said in raised.value.message
    assert raised.value.hint is None if hint is None else hint in str(raised.value.hint)


def test_reading_is_tried_again_while_the_server_starts_and_a_change_is_sent_once(
    answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TRIES", 3)
    read, change = "GET /api/v1/main/executions/4hu8", "POST /api/v1/main/flows"
    answers.say(read, 503, "starting")
    answers.say(read, 200, EXECUTION)
    assert kestra(answers).execution("4hu8").state == "RUNNING"
    answers.say(change, 503, "starting")
    with pytest.raises(KestraFailed, match="with 503: starting"):
        kestra(answers).create("id: code")
    assert answers.asked.count(read) == 2
    assert answers.asked.count(change) == 1


def test_an_execution_that_is_not_there_is_told_apart(answers: Answers) -> None:
    with pytest.raises(NotThere):
        kestra(answers).execution("nothing")


def test_the_login_is_a_user_or_a_token_by_reference(answers: Answers) -> None:
    answers.say("GET /api/v1/configs", 200, {"version": "2.0.0"})
    place = {"address": answers.url, "username": "ada", "password": SecretRef(secret="P")}
    assert Kestra(Place.model_validate(place), {"P": "pass"}).version == "2.0.0"
    assert Kestra(Place(address=answers.url, token=SecretRef(secret="T")), {"T": "tok"}).version == "2.0.0"
    assert answers.logins == {"Basic YWRhOnBhc3M=", "Bearer tok"}
    with pytest.raises(SecretMissing):
        Kestra(Place(address=answers.url, token=SecretRef(secret="T")), {})


def test_a_request_whose_answer_is_lost_finds_its_execution(answers: Answers) -> None:
    answers.say("GET /api/v1/configs", 200, {"version": "2.0.0"})
    answers.say("POST /api/v1/main/executions/a.b/code", 504, "gateway timeout")
    answers.say("GET /api/v1/main/executions/search", 200, {"results": [EXECUTION]})
    job = JobConnection(
        entrypoint="a:b", descriptor="/job.json", engine="kestra", engine_address=answers.url, engine_job="a.b/code"
    )
    request = RunRequest(id="r1", product="a/b", environment="local")
    found = KestraEngine().start(job, request, environ={})
    assert (found.id, found.state, found.request) == ("4hu8", "running", "r1")
    assert answers.asked.count("POST /api/v1/main/executions/a.b/code") == 1


def test_all_executions_of_a_teams_flow_are_read_page_by_page(answers: Answers) -> None:
    """A long execution that began before others has its place in the history too."""

    def execution(number: int, began: str, ended: str | None) -> dict[str, Any]:
        state = {"current": "SUCCESS", "startDate": began, "histories": [], **({"endDate": ended} if ended else {})}
        return {"id": str(number), "state": state}

    search = "GET /api/v1/main/executions/search"
    new = [execution(each, "2026-11-30T06:00:00Z", "2026-11-30T06:00:01Z") for each in range(100)]
    long, old = ("2026-11-29T20:00:00Z", "2026-11-30T07:00:00Z"), ("2026-11-29T20:00:00Z", "2026-11-29T20:00:01Z")
    answers.say("GET /api/v1/configs", 200, {"version": "2.0.0"})
    answers.say(search, 200, {"results": new})
    answers.say(search, 200, {"results": [new[-1], execution(100, *long), execution(101, *old)]})
    job = JobConnection(entrypoint="flow.yaml", engine="kestra", engine_address=answers.url, engine_job="a.b/flow")
    found = KestraEngine().runs(job, datetime(2026, 11, 30, 5, tzinfo=UTC), environ={})
    assert sorted(int(each.id) for each in found) == list(range(101))
    assert answers.asked.count(search) == 2
