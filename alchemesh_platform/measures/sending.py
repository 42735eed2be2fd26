"""Report from a product's code: keep the report in the spool, and send what waits if there is a server."""

from __future__ import annotations

import atexit
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.measures.report import Report, ReportRefused
from alchemesh_platform.measures.spool import Refused, Spool

SPOOL_VARIABLE = "ALCHEMESH_REPORTS"  # file of the spool; `alchemesh run` and `alchemesh env` set it
SERVER_VARIABLE = "ALCHEMESH_SERVER"  # address of `alchemesh server`; without it the reports wait for the run's end
TOKEN_VARIABLE = "ALCHEMESH_TOKEN"  # noqa: S105 - the name of a variable
PATH = "/v1/reports"
SECONDS = 5.0
_at_exit: set[tuple[str, str]] = set()


class NotReporting(Failure):
    """Raised when the process has no place for its reports. Its text has the hint, because code prints it."""

    def __str__(self) -> str:
        return f"{self.message!s}\n\nhint: {self.hint!s}" if self.hint else str(self.message)


class ServerAway(Exception):
    """Raised when the server cannot take reports now. The reports stay in the spool."""


class _TooLarge(Exception):
    """Raised when the server takes no request of this size."""


class _NoRedirects(HTTPRedirectHandler):
    """A redirect would send the token to another server."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Follow no redirect: its status is the answer."""


@dataclass(frozen=True, slots=True)
class Reported:
    """The result of a report from a product's code.

    Args:
        ids: Ids of the reports.
        waiting: The number of reports that wait for the server, or for the end of the run.
        reason: Why they wait.
    """

    ids: tuple[str, ...]
    waiting: int = 0
    reason: str = ""


def keep_and_send(reports: Sequence[Report], environ: Mapping[str, str] = os.environ) -> Reported:
    """Keep reports of a product's code, then send everything that waits, if there is a server.

    Raises:
        NotReporting: when the process has no place for reports.
        ReportNotKept: when the file of the spool cannot be written.
        ReportRefused: when the server refuses one of these reports.
    """
    spool = Spool(_file(reports[0].product, environ))
    now = datetime.now(UTC)
    spool.keep(reports, now)
    ids = tuple(report.key for report in reports)
    server = environ.get(SERVER_VARIABLE)
    if not server:
        return Reported(ids, spool.waiting(), "the end of the run adds them")
    _send_at_exit(spool, server, environ.get(TOKEN_VARIABLE, ""))
    try:
        refused = send(spool, server, environ.get(TOKEN_VARIABLE, ""))
    except ServerAway as away:
        return Reported(ids, spool.waiting(), str(away))
    for each in refused:
        if each.report.key in ids:
            raise ReportRefused(each.reason)
    return Reported(ids, spool.waiting())


def send(spool: Spool, server: str, token: str) -> list[Refused]:
    """Send everything that waits.

    Args:
        server: Address of `alchemesh server`.
        token: A token of the platform's identity provider.

    Returns:
        The reports that the server refused. The spool keeps them aside.

    Raises:
        ServerAway: when the server cannot take reports now; gives the reason.
    """
    every: list[Refused] = []
    for batch in spool.batches():
        every += _send(spool, server, token, [each.report for each in batch])
    return every


def _send(spool: Spool, server: str, token: str, reports: list[Report]) -> list[Refused]:
    """Send reports in one request, or in halves if it would be too large."""
    try:
        answer = _post(server, token, reports)
    except _TooLarge:
        half = len(reports) // 2
        if half == 0:
            raise ServerAway("the server takes no report of this size") from None
        return _send(spool, server, token, reports[:half]) + _send(spool, server, token, reports[half:])
    taken = [report for report in reports if report.key in answer.taken]
    refused = [Refused(reports[place], reason) for place, reason in answer.refused if place < len(reports)]
    spool.done(taken, refused, datetime.now(UTC))
    return refused


@dataclass(frozen=True, slots=True)
class _Answer:
    """Ids that the server has now, and the places of refused reports with their reasons."""

    taken: frozenset[str]
    refused: tuple[tuple[int, str], ...]


def _post(server: str, token: str, reports: list[Report]) -> _Answer:
    address = server.rstrip("/") + PATH
    if urlsplit(address).scheme not in ("http", "https"):
        raise ServerAway(f"{SERVER_VARIABLE} is no address of a server: expected http://… or https://…")
    given = token.strip()
    if not (given.isascii() and given.isprintable()):
        raise ServerAway(f"{TOKEN_VARIABLE} is no token: it has characters that no header can have")
    body = json.dumps({"reports": [report.model_dump(mode="json", exclude_defaults=True) for report in reports]})
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {given}"}
    try:
        request = Request(address, body.encode(), headers, method="POST")  # noqa: S310 - the scheme is checked above
        with build_opener(_NoRedirects).open(request, timeout=SECONDS) as response:
            document = json.load(response)
        refused = tuple((int(each["index"]), str(each["reason"])) for each in document["refused"])
        return _Answer(frozenset((*document["accepted"], *document["repeated"])), refused)
    except HTTPError as error:
        if error.code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            raise _TooLarge from None
        raise ServerAway(f"{address} answers {error.code} {error.reason}") from None
    except OSError as error:
        raise ServerAway(f"{address} cannot be reached: {error}") from None
    except (ValueError, KeyError, TypeError, HTTPException) as error:
        # Its text is not shown: it may repeat a header.
        raise ServerAway(f"{address} gives no answer of a server of reports ({type(error).__name__})") from None


def _file(product: str, environ: Mapping[str, str]) -> Path:
    if environ.get(SPOOL_VARIABLE):
        return Path(environ[SPOOL_VARIABLE])
    if environ.get(SERVER_VARIABLE):
        from platformdirs import user_state_path

        return user_state_path("alchemesh") / "reports" / f"{product.replace('/', '.')}.db"
    raise NotReporting(
        f"neither {SPOOL_VARIABLE} nor {SERVER_VARIABLE} is set, so there is no place for reports",
        hint=remedy('run the code with {}, or in a shell: eval "$({})"', command("run"), command("env").line),
    )


def _send_at_exit(spool: Spool, server: str, token: str) -> None:
    """Send what waits when the process ends. Nothing is lost if that fails: the next report sends it."""
    if (str(spool.file), server) in _at_exit:
        return
    _at_exit.add((str(spool.file), server))

    def flush() -> None:
        try:
            send(spool, server, token)
        except (ServerAway, Failure):
            return

    atexit.register(flush)
