"""The REST interface of Airflow: version 2 of Airflow 3, and version 1 of Airflow 2.10 and later.

Sources: https://airflow.apache.org/docs/apache-airflow/stable/stable-rest-api-ref.html,
https://airflow.apache.org/docs/apache-airflow/2.10.5/stable-rest-api-ref.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.packages.extras import install_command
from alchemesh_platform.base.printable import one_line
from alchemesh_platform.base.remedy import command, remedy

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

EXTRA = "alchemesh-platform[orchestrators]"
ANSWER_SECONDS = 30.0
TRIES = 4  # of reading; a change is sent once
OLDEST, NEWEST = (2, 10), 3
PAGE = 100
LOOK_SECONDS = 0.2
_MESSAGE_MAX = 500
_ADDRESS = "set `address` in the settings group `airflow` to the address of Airflow's own pages"

UNAUTHORIZED, FORBIDDEN, NOT_FOUND, CONFLICT, SERVER_ERROR = 401, 403, 404, 409, 500


class AirflowFailed(Failure):
    """Raised when Airflow does not answer, or refuses a request. It holds Airflow's answer."""


class NotThere(AirflowFailed):
    """Raised when Airflow has no such thing."""


class Existing(AirflowFailed):
    """Raised when a thing of this name exists already."""


@dataclass(frozen=True, slots=True)
class Dag:
    """A DAG as Airflow knows it.

    Args:
        id: Its id.
        file: Path of its file, on the machine that reads DAGs.
        is_paused: Whether its schedule is off.
        is_stale: Whether its file no longer exists.
        tags: Its tags.
        parsed_at: When its file was read last.
    """

    id: str
    file: str
    is_paused: bool
    is_stale: bool
    tags: frozenset[str]
    parsed_at: datetime | None


@dataclass(frozen=True, slots=True)
class DagRun:
    """A run of a DAG."""

    id: str
    state: str
    kind: str
    conf: Mapping[str, Any]
    note: str | None
    queued_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Task:
    """A task of a run. ``index`` is -1 for a task that is not mapped."""

    id: str
    index: int
    state: str | None
    tries: int
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class ImportFailure:
    """A file that Airflow cannot import, with its traceback."""

    file: str
    traceback: str
    at: datetime | None


class Client:
    """A signed-in client. It asks for the server's version first.

    Args:
        address: Address of the server, as a browser opens it.
        username: User, with a password.
        password: The user's password.
        token: A bearer token, instead of a user.
        ca_file: PEM file of the authorities that may sign its certificate.

    Raises:
        AirflowFailed: when it does not answer, is of another version, or rejects the sign-in.
    """

    def __init__(
        self,
        address: str,
        *,
        username: str | None = None,
        password: str | None = None,
        token: str | None = None,
        ca_file: str | None = None,
    ) -> None:
        try:
            import httpx
        except ModuleNotFoundError as error:
            raise AirflowFailed("the client of Airflow is not installed", hint=install_command(EXTRA)) from error
        self.address = address.rstrip("/")
        try:
            self._http = httpx.Client(base_url=self.address, timeout=ANSWER_SECONDS, verify=_trusted(ca_file))
        except httpx.InvalidURL as error:
            raise AirflowFailed(f"{self.address} is no address: {error}", hint=_ADDRESS) from error
        self.version = self._ask_version()
        self._api = "/api/v2" if self.major >= NEWEST else "/api/v1"
        if token is not None:
            self._http.headers["Authorization"] = f"Bearer {token}"
        elif username is not None and self.major >= NEWEST:
            self._http.headers["Authorization"] = f"Bearer {self._sign_in(username, password or '')}"
        elif username is not None:
            self._http.auth = httpx.BasicAuth(username, password or "")

    @property
    def major(self) -> int:
        """2 or 3."""
        return int(self.version.split(".")[0])

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def dag(self, dag_id: str) -> Dag | None:
        """A DAG; None if Airflow knows none of this id."""
        try:
            return _dag(self._get(f"/dags/{quote(dag_id, safe='')}"))
        except NotThere:
            return None

    def dags(self) -> Iterator[Dag]:
        """All DAGs, also paused ones."""
        return map(_dag, self._pages("/dags", "dags"))

    def pause(self, dag_id: str, *, paused: bool) -> None:
        """Turn the schedule of a DAG off or on."""
        self._send("PATCH", f"/dags/{quote(dag_id, safe='')}", {"is_paused": paused})

    def import_failures(self) -> list[ImportFailure]:
        """The files that Airflow cannot import."""
        return [
            ImportFailure(str(each["filename"]), str(each["stack_trace"]), _moment(each.get("timestamp")))
            for each in self._pages("/importErrors", "import_errors")
        ]

    def start(self, dag_id: str, run_id: str, conf: Mapping[str, Any]) -> DagRun:
        """Start a run.

        Raises:
            Existing: when the DAG has a run of this id.
        """
        body: dict[str, Any] = {"dag_run_id": run_id, "conf": dict(conf)}
        if self.major >= NEWEST:
            body["logical_date"] = None  # a required field: a run that no schedule asked for has no date
        return _run(self._send("POST", f"/dags/{quote(dag_id, safe='')}/dagRuns", body))

    def run(self, dag_id: str, run_id: str) -> DagRun:
        """A run. Raises NotThere."""
        return _run(self._get(_run_path(dag_id, run_id)))

    def runs(self, dag_id: str, **query: str) -> Iterator[DagRun]:
        """Runs of a DAG, such as those with ``start_date_gte``."""
        return map(_run, self._pages(f"/dags/{quote(dag_id, safe='')}/dagRuns", "dag_runs", **query))

    def end(self, dag_id: str, run_id: str, note: str) -> None:
        """Set the state of a run to failed, which ends its tasks. Airflow 2 takes the note in a second request."""
        body = {"state": "failed", **({"note": note} if self.major >= NEWEST else {})}
        self._send("PATCH", _run_path(dag_id, run_id), body)
        if self.major < NEWEST:
            self._send("PATCH", f"{_run_path(dag_id, run_id)}/setNote", {"note": note})

    def tasks(self, dag_id: str, run_id: str) -> list[Task]:
        """The tasks of a run, in the order in which they started."""
        found = [_task(each) for each in self._pages(f"{_run_path(dag_id, run_id)}/taskInstances", "task_instances")]
        return sorted(found, key=lambda task: (task.started_at is None, task.started_at or 0))

    def log(self, dag_id: str, run_id: str, task: Task, attempt: int) -> str:
        """The log of an attempt of a task."""
        path = f"{_run_path(dag_id, run_id)}/taskInstances/{quote(task.id, safe='')}/logs/{attempt}"
        query = {"full_content": "true", **({"map_index": str(task.index)} if task.index >= 0 else {})}
        return "\n".join(_lines(self._get(path, **query).get("content")))

    def asset_events(self, dag_id: str, run_id: str) -> list[tuple[str, Mapping[str, Any]]]:
        """The assets that a run changed: URI, and what the task said about it."""
        path = "/assets/events" if self.major >= NEWEST else "/datasets/events"
        key = "asset_events" if self.major >= NEWEST else "dataset_events"
        uri = "uri" if self.major >= NEWEST else "dataset_uri"
        events = self._pages(path, key, source_dag_id=dag_id, source_run_id=run_id)
        return [(str(each[uri]), each.get("extra") or {}) for each in events if each.get("source_run_id") == run_id]

    def now(self) -> datetime:
        """The time of the server, from the header of an answer. It has no fractions of a second."""
        from email.utils import parsedate_to_datetime

        return parsedate_to_datetime(self._answer("GET", f"{self._api}/version").headers["Date"])

    def health(self) -> dict[str, str | None]:
        """The health of the server's parts: ``scheduler``, ``dag_processor``, ``metadatabase``."""
        path = "/api/v2/monitor/health" if self.major >= NEWEST else "/api/v1/health"
        parts = _json(self._answer("GET", path), self.address)
        return {name: (part or {}).get("status") for name, part in parts.items()}

    def run_page(self, dag_id: str, run_id: str) -> str:
        """Address of the page of a run."""
        dag, run = quote(dag_id, safe=""), quote(run_id, safe="")
        if self.major >= NEWEST:
            return f"{self.address}/dags/{dag}/runs/{run}"
        return f"{self.address}/dags/{dag}/grid?dag_run_id={run}"

    def _ask_version(self) -> str:
        """The version. Airflow 3 tells it to everybody; Airflow 2 has no such path in its newer interface."""
        for path in ("/api/v2/version", "/api/v1/version"):
            answer = self._answer("GET", path, check=False)
            if answer.status_code == NOT_FOUND:
                continue
            _check(answer, self.address, path)
            try:
                version = str(answer.json()["version"])
                major, minor = (int(part) for part in version.split(".")[:2])
            except (ValueError, KeyError, TypeError) as error:
                raise AirflowFailed(
                    f"{self.address} is no Airflow: it answers {path} with {_said(answer)}",
                    hint=_ADDRESS,
                ) from error
            if (major, minor) < OLDEST or major > NEWEST:
                raise AirflowFailed(
                    f"Airflow at {self.address} is of version {version}; 2.10 to 3 is needed",
                    hint="upgrade that Airflow, or set `address` to another one",
                )
            return version
        raise AirflowFailed(
            f"{self.address} is no Airflow: it has neither /api/v2/version nor /api/v1/version",
            hint=_ADDRESS,
        )

    def _sign_in(self, username: str, password: str) -> str:
        answer = self._answer(
            "POST", "/auth/token", body={"username": username, "password": password}, check=False, repeat=True
        )
        if answer.status_code == NOT_FOUND:
            raise AirflowFailed(
                f"Airflow at {self.address} has no sign-in with a password",
                hint="set `token` in the settings group `airflow`, a token of its identity provider",
            )
        _check(answer, self.address, "/auth/token")
        return str(_json(answer, self.address)["access_token"])

    def _get(self, path: str, **query: str) -> Any:
        return _json(self._answer("GET", self._api + path, query=query), self.address)

    def _pages(self, path: str, key: str, **query: str) -> Iterator[Any]:
        at = 0
        while True:
            page = self._get(path, **query, limit=str(PAGE), offset=str(at))
            yield from page[key]
            at += PAGE
            if at >= int(page.get("total_entries") or 0) or not page[key]:
                return

    def _send(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        return _json(self._answer(method, self._api + path, body=body), self.address)

    def _answer(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        check: bool = True,
        repeat: bool = False,
    ) -> httpx.Response:
        """An answer. Reading is repeated while the server does not answer, or answers with an error of its own."""
        import httpx
        from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

        reading = method == "GET" or repeat
        again: tuple[type[Exception], ...] = (
            (httpx.TransportError, _ServerError) if reading else (httpx.ConnectError, httpx.ConnectTimeout)
        )

        def attempt() -> httpx.Response:
            answer = self._http.request(method, path, params=dict(query or {}), json=body)
            if reading and answer.status_code >= SERVER_ERROR:
                raise _ServerError(answer)
            return answer

        tries = Retrying(
            retry=retry_if_exception_type(again),
            stop=stop_after_attempt(TRIES),
            wait=wait_exponential(multiplier=0.25, max=4),
        )
        try:
            answer = tries(attempt)
        except RetryError as error:
            answer = self._last(error)
        except httpx.HTTPError as error:
            raise _silent(self.address, error) from error
        if check:
            _check(answer, self.address, path)
        return answer

    def _last(self, error: Any) -> httpx.Response:
        failure = error.last_attempt.exception()
        if isinstance(failure, _ServerError):
            return failure.answer
        raise _silent(self.address, failure) from failure


class _ServerError(Exception):
    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


def wait_for(ask: Callable[[], T], until: Callable[[T], bool], seconds: float, stop: Callable[[], bool]) -> T:
    """Repeat a question until its answer meets a condition. Returns the last answer, also after the time or a stop."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if until(answer) or stop() or time.monotonic() > deadline:
            return answer
        time.sleep(LOOK_SECONDS)


def _check(answer: httpx.Response, address: str, path: str) -> None:
    status = answer.status_code
    if status < 400:  # noqa: PLR2004 - the statuses of HTTP
        return
    method, said = answer.request.method, _said(answer)
    where = f"{method} {answer.request.url.path}"
    if status == UNAUTHORIZED:
        raise AirflowFailed(
            f"Airflow at {address} does not accept our sign-in: {said}",
            hint="check `username`, `password` and `token` in the settings group `airflow` of the platform file",
        )
    if status == FORBIDDEN:
        raise AirflowFailed(
            f"Airflow at {address} does not allow {where}: {said}",
            hint="give the user of the settings group `airflow` the role `User`: it can edit, start and end DAGs",
        )
    if status == NOT_FOUND:
        raise NotThere(f"Airflow at {address} has no {answer.request.url.path}: {said}")
    if status == CONFLICT:
        raise Existing(f"Airflow at {address} refuses {where}: {said}")
    raise AirflowFailed(
        f"Airflow at {address} answers {where} with {status}: {said}",
        hint=remedy("see its log; {} resumes the deployment", command("up")) if status >= SERVER_ERROR else None,
    )


def _json(answer: httpx.Response, address: str) -> Any:
    """The document of an answer. A page of a sign-in in front of Airflow is none."""
    try:
        return answer.json()
    except ValueError as error:
        raise AirflowFailed(
            f"{address} answers {answer.request.url.path} with HTTP {answer.status_code} and without JSON",
            hint="is another server in front of Airflow, such as one for its sign-in? Set `token` in the settings "
            "group `airflow`, or `address` to Airflow itself",
        ) from error


def _trusted(ca_file: str | None) -> Any:
    if ca_file is None:
        return True
    import ssl

    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise AirflowFailed(
            f"the authorities {ca_file} cannot be read: {error}",
            hint="set `ca_file` in the settings group `airflow` to a PEM file",
        ) from error


def _said(answer: httpx.Response) -> str:
    try:
        found = answer.json()
        text = str(found.get("detail", found)) if isinstance(found, dict) else str(found)
    except ValueError:
        text = answer.text
    return one_line(text)[:_MESSAGE_MAX] or "nothing more"


def _silent(address: str, error: BaseException | None) -> AirflowFailed:
    return AirflowFailed(
        f"Airflow at {address} does not answer: {error or type(error).__name__}",
        hint=remedy("is it running, and reachable from here? {} resumes the deployment", command("up")),
    )


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(str(text).replace("Z", "+00:00")) if text else None


def _run_path(dag_id: str, run_id: str) -> str:
    return f"/dags/{quote(dag_id, safe='')}/dagRuns/{quote(run_id, safe='')}"


def _dag(found: Mapping[str, Any]) -> Dag:
    stale = bool(found["is_stale"]) if "is_stale" in found else not found.get("is_active", True)
    return Dag(
        id=str(found["dag_id"]),
        file=str(found.get("fileloc") or ""),
        is_paused=bool(found.get("is_paused")),
        is_stale=stale,
        tags=frozenset(str(tag["name"]) for tag in found.get("tags") or ()),
        parsed_at=_moment(found.get("last_parsed_time")),
    )


def _run(found: Mapping[str, Any]) -> DagRun:
    return DagRun(
        id=str(found["dag_run_id"]),
        state=str(found["state"]),
        kind=str(found.get("run_type") or ""),
        conf=found.get("conf") or {},
        note=found.get("note"),
        queued_at=_moment(found.get("queued_at")),
        started_at=_moment(found.get("start_date")),
        finished_at=_moment(found.get("end_date")),
    )


def _task(found: Mapping[str, Any]) -> Task:
    return Task(
        id=str(found["task_id"]),
        index=int(found.get("map_index", -1)),
        state=found.get("state"),
        tries=int(found.get("try_number") or 0),
        started_at=_moment(found.get("start_date")),
    )


def _lines(content: Any) -> Iterator[str]:
    """The lines of a log: a text in Airflow 2, a list of events in Airflow 3."""
    if isinstance(content, str):
        yield from content.splitlines()
        return
    for each in content or ():
        event = each.get("event", "") if isinstance(each, dict) else str(each)
        if not str(event).startswith("::"):
            yield str(event)
        if isinstance(each, dict) and each.get("error_detail"):
            yield from (str(one.get("exc_value", "")) for one in each["error_detail"] if isinstance(one, dict))
