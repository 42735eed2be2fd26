"""Reports over HTTP: who may report what, each report judged alone, and code that sends what waits."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import jsonschema
import pytest
from prometheus_client.parser import text_string_to_metric_families

from alchemesh_platform.connections import Connections
from alchemesh_platform.exports.prometheus import CONTENT_TYPE
from alchemesh_platform.measures import sending
from alchemesh_platform.measures.report import ReportRefused, reports_of
from alchemesh_platform.measures.sending import SERVER_VARIABLE, SPOOL_VARIABLE, TOKEN_VARIABLE, keep_and_send
from alchemesh_platform.measures.spool import Spool
from alchemesh_platform.registry.observations.series import latest, series
from tests.access.airport import FLIGHTS, RESTRICTED, STRANGER
from tests.identity.issuing import AMELIA, Issuer
from tests.server.conftest import HERE, Running

ASSET = f"{RESTRICTED}/flight"
FIRST = datetime(2026, 3, 1, 12, tzinfo=UTC)


def validity(good: int, seconds: int = 0, **changed: Any) -> dict[str, Any]:
    moment = FIRST + timedelta(seconds=seconds)
    return {
        "product": FLIGHTS,
        "subject": ASSET,
        "measure": "validity",
        "measured_at": moment.isoformat(),
        "good": good,
        "total": 100,
        **changed,
    }


def reasons(answer: httpx.Response) -> list[tuple[int, str]]:
    assert answer.status_code == 200, answer.text
    return [(each["index"], each["reason"]) for each in answer.json()["refused"]]


def test_each_report_of_a_request_is_judged_alone(server: Running, issuer: Issuer) -> None:
    other = validity(1, product="operations/punctuality", subject="operations/punctuality/table/flight")
    body = {"reports": [validity(1), validity(101, 1), "no report", other, validity(2, 2), validity(1)]}
    answer = server.post(issuer.token(), body)

    refused = dict(reasons(answer))
    assert refused[1] == "validity: 101 good of 100 is impossible"
    assert "valid dictionary" in refused[2]
    assert refused[3].startswith(
        f"{AMELIA} may not run report on operations/punctuality in {HERE}: only the product's team"
    )
    assert (len(answer.json()["accepted"]), len(answer.json()["repeated"])) == (2, 1)
    with server.registry() as registry:
        found = series(
            registry, HERE, ASSET, "validity", datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
        )
    assert [(each.good, each.reported_by) for each in found] == [(1, AMELIA), (2, AMELIA)]


def test_the_same_report_is_accepted_once_and_another_content_is_refused(server: Running, issuer: Issuer) -> None:
    token = issuer.token()
    first = server.post(token, {"reports": [validity(10, 100)]}).json()
    again = server.post(token, {"reports": [validity(10, 100)]}).json()

    assert (again["accepted"], again["repeated"], again["refused"]) == ([], first["accepted"], [])
    (conflict,) = reasons(server.post(token, {"reports": [validity(11, 100)]}))
    assert "and another content" in conflict[1]


def test_a_pipeline_reports_about_its_products(server: Running, issuer: Issuer) -> None:
    token = issuer.signed(issuer.claims(sub="job:flights", email=None, email_verified=None))
    assert reasons(server.post(token, {"reports": [validity(20, 200)]})) == []

    with server.registry() as registry:
        (found,) = (each for each in latest(registry, HERE, [FLIGHTS]) if each.measure == "validity")
    assert (found.good, found.reported_by) == (20, "job:flights")


def test_prometheus_reads_metrics_with_a_token_of_a_known_caller(server: Running, issuer: Issuer) -> None:
    def get(token: str | None, query: str = "") -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        return httpx.get(f"{server.url}/metrics{query}", headers=headers, timeout=30)

    assert reasons(server.post(issuer.token(), {"reports": [validity(40, 250)]})) == []
    answer = get(issuer.token())
    assert (answer.status_code, answer.headers["content-type"]) == (200, CONTENT_TYPE)
    families = {each.name: each for each in text_string_to_metric_families(answer.text)}
    assert {each.labels["product"] for each in families["alchemesh_open_incidents"].samples} >= {FLIGHTS}
    other = list(text_string_to_metric_families(get(issuer.token(), "?product=aviation/other").text))
    assert [each.name for each in other] == ["alchemesh_products_left_out"]

    assert get(None).status_code == 401
    stranger = get(issuer.signed(issuer.claims(sub=STRANGER, email="eve@evil.example")))
    assert stranger.status_code == 403
    assert stranger.json()["message"] == (
        f"eve@evil.example may not read metrics: the mesh of {HERE} has no such user or pipeline"
    )


def test_a_forged_expired_or_missing_token_is_refused_and_never_repeated(server: Running, issuer: Issuer) -> None:
    now = int(time.time())
    good = issuer.token()
    tokens = {
        None: "the request has no bearer token",
        good[:-8] + "AAAAAAAA": "its signature is wrong",
        issuer.signed(issuer.claims(exp=now - 3600)): "it expired at",
        issuer.signed(issuer.claims(aud="another")): "it is meant for",
        issuer.signed(issuer.claims(email_verified=False)): "has not verified the email",
        "x" * 20_000: "",
        "not-a-token": "it is no signed JSON Web Token",
    }
    for token, reason in tokens.items():
        answer = server.post(token, {"reports": [validity(30, 300)]})
        assert answer.status_code in (401, 431), answer.text
        assert reason in answer.text
        assert token is None or token not in answer.text
        if answer.status_code == 401:
            assert answer.headers["WWW-Authenticate"] == "Bearer"
    stranger = issuer.signed(issuer.claims(sub=STRANGER, email="eve@evil.example"))
    assert (
        "eve@evil.example may not run report" in reasons(server.post(stranger, {"reports": [validity(30, 300)]}))[0][1]
    )


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"", 422, "body: Field required"),
        (b"{", 422, "JSON decode error"),
        (b"[]", 422, 'expected {"reports": [...]} with at least one report'),
        (b'{"reports": []}', 422, 'expected {"reports": [...]} with at least one report'),
        (b'{"reports": [' + b",".join([b"1"] * 1001) + b"]}", 422, "found 1,001 reports, expected at most 1,000"),
        (b'{"reports": ["' + b"x" * 5_000_000 + b'"]}', 413, "a request has at most 4,194,304 bytes"),
    ],
    ids=["nothing", "broken", "list", "none", "many", "large"],
)
def test_a_body_without_reports_is_refused(
    server: Running, issuer: Issuer, body: bytes, status: int, message: str
) -> None:
    answer = server.post(issuer.token(), None, raw=body)

    assert answer.status_code == status
    assert message in answer.json()["message"]


@pytest.mark.parametrize(
    ("content", "content_type", "status", "message"),
    [
        (b'{"reports": [1]}', "text/plain", 422, "expected the header Content-Type: application/json"),
        (b'{"reports": ' + b"[" * 100_000, "application/json", 400, "the body is no JSON of reports"),
        (b'{"reports": [{"good": ' + b"9" * 5000 + b"}]}", "application/json", 400, "the body is no JSON of reports"),
        (b'{"reports": ["\xff"]}', "application/json", 400, "the body is no JSON of reports"),
    ],
    ids=["text", "deep", "digits", "no UTF-8"],
)
def test_a_body_of_another_kind_is_refused_in_words(
    server: Running, issuer: Issuer, content: bytes, content_type: str, status: int, message: str
) -> None:
    headers = {"Authorization": f"Bearer {issuer.token()}", "Content-Type": content_type}
    answer = httpx.post(f"{server.url}/v1/reports", content=content, headers=headers, timeout=30)

    assert (answer.status_code, answer.json()["message"]) == (status, message)
    assert httpx.get(f"{server.url}/nothing").json() == {"message": "not found", "hint": None}


def test_a_flood_of_reports_is_answered_and_each_is_added_once(server: Running, issuer: Issuer) -> None:
    token = issuer.token()
    batches = [[validity(at, 1000 + batch * 50 + at) for at in range(50)] for batch in range(12)]

    async def flood() -> list[httpx.Response]:
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=120) as client:
            sent = [client.post("/v1/reports", json={"reports": batch}) for batch in batches for _ in range(2)]
            return list(await asyncio.gather(*sent))

    with ThreadPoolExecutor(1) as thread:  # in the main thread, it would take the event loop of other tests away
        answers = thread.submit(asyncio.run, flood()).result()
    assert {answer.status_code for answer in answers} == {200}
    assert sum(len(answer.json()["accepted"]) for answer in answers) == 600
    assert sum(len(answer.json()["repeated"]) for answer in answers) == 600


def test_the_description_of_the_api_fits_what_it_takes(server: Running) -> None:
    document = httpx.get(f"{server.url}/openapi.json").json()
    operation = document["paths"]["/v1/reports"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]

    jsonschema.validate({"reports": [validity(1)]}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"reports": [{**validity(1), "surprise": 1}]}, schema)
    assert set(operation["responses"]) == {"200", "400", "401", "408", "413", "422", "500", "503"}
    assert operation["security"] == [{"HTTPBearer": []}]
    assert httpx.get(f"{server.url}/health").json()["environment"] == HERE


@pytest.fixture
def environ(server: Running, issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The variables of a product's code that reports to the server."""
    monkeypatch.setattr(sending.atexit, "register", lambda _: None)
    return {
        SPOOL_VARIABLE: str(tmp_path / "reports.db"),
        SERVER_VARIABLE: server.url,
        TOKEN_VARIABLE: issuer.token(),
    }


def states(*seconds: int) -> list[Any]:
    first = datetime(2026, 4, 1, tzinfo=UTC)
    return [
        reports_of(FLIGHTS, state="down", measured_at=first + timedelta(seconds=at), now=first)[0] for at in seconds
    ]


def test_code_keeps_reports_while_the_server_is_away_and_sends_them_later(environ: dict[str, str]) -> None:
    spool = Spool(Path(environ[SPOOL_VARIABLE]))
    for away in (
        {SERVER_VARIABLE: "http://127.0.0.1:1"},
        {TOKEN_VARIABLE: "expired"},
        {SERVER_VARIABLE: "file:///etc"},
    ):
        kept = keep_and_send(states(1), {**environ, **away})
        assert (kept.waiting, spool.waiting()) == (1, 1)
        assert kept.reason
        assert environ[TOKEN_VARIABLE] not in kept.reason

    sent = keep_and_send(states(2), environ)
    assert (sent.waiting, sent.reason, spool.waiting()) == (0, "", 0)


def test_a_token_never_leaves_for_another_server_or_into_a_message(environ: dict[str, str]) -> None:
    secret = environ[TOKEN_VARIABLE]
    for token in (f"{secret}\nX-Other: 1", f"{secret}ü", secret + "\0"):
        kept = keep_and_send(states(5), {**environ, TOKEN_VARIABLE: token})
        assert kept.reason == "ALCHEMESH_TOKEN is no token: it has characters that no header can have"
    assert keep_and_send(states(6), {**environ, TOKEN_VARIABLE: f"{secret}\n"}).waiting == 0

    seen: list[str | None] = []

    class Redirecting(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:{other.server_port}/v1/reports")
            self.end_headers()

        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization"))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Redirecting) as first, HTTPServer(("127.0.0.1", 0), Redirecting) as other:
        for each in (first, other):
            Thread(target=each.serve_forever, daemon=True).start()
        kept = keep_and_send(states(7), {**environ, SERVER_VARIABLE: f"http://127.0.0.1:{first.server_port}"})
        for each in (first, other):
            each.shutdown()
    assert (kept.waiting, seen) == (1, [])
    assert kept.reason.endswith("answers 302 Found")


def test_reports_that_are_too_large_for_one_request_are_sent_in_several(environ: dict[str, str]) -> None:
    first = datetime(2026, 4, 2, tzinfo=UTC)
    long = [
        reports_of(FLIGHTS, state="down", note="\u00fc" * 2000, measured_at=first + timedelta(seconds=at), now=first)[0]
        for at in range(400)
    ]
    assert keep_and_send(long, environ).waiting == 0


def test_code_learns_that_its_report_is_refused(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    here = Connections(product=FLIGHTS, environment=HERE)
    with pytest.raises(ReportRefused, match="there is no asset aviation/flights/restricted/flihgt in office"):
        here.report("restricted/flihgt", completeness=(1, 2))
    assert here.report("restricted/flight", completeness=(1, 2)).waiting == 0
    assert Spool(Path(environ[SPOOL_VARIABLE])).waiting() == 0


def test_a_registry_that_is_away_is_answered_with_503(server: Running, issuer: Issuer, environ: dict[str, str]) -> None:
    file = server.home / "registry.db"
    moved = file.rename(file.with_name("moved.db"))
    try:
        answer = server.post(issuer.token(), {"reports": [validity(40, 400)]})
        kept = keep_and_send(states(3), environ)
    finally:
        moved.rename(file)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "there is no registry" in answer.json()["message"]
    assert kept.waiting == 1
    assert kept.reason.endswith("answers 503 Service Unavailable")
    assert keep_and_send(states(4), environ).waiting == 0
