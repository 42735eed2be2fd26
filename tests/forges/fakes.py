"""Servers that speak the parts of GitHub's and GitLab's APIs for comments, with faults in any step.

They follow the documented requests, answers, pages and headers of limits. What a token may do is a setting.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "t0ken-of-the-job"
PAGE_MAX = 100


@dataclass(frozen=True)
class Answer:
    """An answer of the server; ``text`` instead of JSON, and ``dropped`` for a closed connection."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    text: str | None = None
    dropped: bool = False
    slow: float = 0.0


# Called before each request with its method, its path and its number; an answer replaces the real one.
Fault = Callable[[str, str, int], Answer | None]


@dataclass
class Forge:
    """The state of a forge with one merge request, number 7.

    Args:
        me: The user of the token.
        page: Comments on one page.
        fault: Answers instead of the server.
        late: Faults that come after the request was carried out.
        head: The newest commit of the merge request.
        open: Whether the merge request is open.
        may_see_itself: Whether the token may read its own user.
        before: Called before a request is carried out, with its method.
    """

    me: str = "deployer"
    page: int = 2
    fault: Fault | None = None
    late: Fault | None = None
    head: str = "a" * 40
    open: bool = True
    may_see_itself: bool = True
    before: Callable[[str], None] = lambda _method: None
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    address: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)
    _last: int = 100

    def say(self, author: str, body: str) -> int:
        """A comment of a person."""
        with self.lock:
            self._last += 1
            self.comments[self._last] = {"author": author, "body": body}
            return self._last

    @property
    def mine(self) -> list[str]:
        """The comments of the token's user, the oldest first."""
        return [each["body"] for _, each in sorted(self.comments.items()) if each["author"] == self.me]

    def answer(self, method: str, address: str, headers: Any, body: Any) -> Answer:
        """Carry a request out."""
        path = urlsplit(address).path
        with self.lock:
            self.requests.append(f"{method} {path}")
            number = len(self.requests)
        if self.fault is not None and (found := self.fault(method, path, number)) is not None:
            return found
        self.before(method)
        with self.lock:
            done = self._carry_out(method, address, headers, body)
        if self.late is not None and (found := self.late(method, path, number)) is not None:
            return found
        return done

    def _carry_out(self, method: str, address: str, headers: Any, body: Any) -> Answer:
        raise NotImplementedError

    def _paged(self, items: list[Any], address: str) -> Answer:
        """One page of a list, with the address of the next one in its header."""
        parts = urlsplit(address)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        page = int(query.get("page", 1))
        size = min(int(query["per_page"]), PAGE_MAX, self.page)
        links = {}
        if page * size < len(items):
            rest = "&".join(f"{name}={value}" for name, value in query.items() if name != "page")
            following = f"<{self.address}{unquote(parts.path)}?{rest}&page={page + 1}>"
            links = {"Link": f'{following}; rel="next", <{self.address}/x?page=9>; rel="last"'}
        return Answer(200, items[(page - 1) * size : page * size], links)

    def _change(self, method: str, number: int, body: Any, shown: Callable[[int], Any]) -> Answer:
        """Update or remove a comment; the user may change its own comments only."""
        if number not in self.comments:
            return Answer(404, {"message": "Not Found"})
        if self.comments[number]["author"] != self.me:
            return Answer(403, {"message": "Resource not accessible"})
        if method == "DELETE":
            del self.comments[number]
            return Answer(204)
        self.comments[number]["body"] = body["body"]
        return Answer(200, shown(number))


class GitHub(Forge):
    """GitHub's REST and GraphQL API."""

    def _carry_out(self, method: str, address: str, headers: Any, body: Any) -> Answer:
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return Answer(401, {"message": "Bad credentials"})
        path = urlsplit(address).path
        if path == "/user":
            refused = Answer(403, {"message": "Resource not accessible by integration"})
            return Answer(200, {"login": self.me}) if self.may_see_itself else refused
        if path == "/graphql":
            return Answer(200, {"data": {"viewer": {"login": self.me}}})
        if path == "/repos/acme/mesh/pulls":
            query = parse_qs(urlsplit(address).query)
            fits = self.open and query["head"] == ["mallory:feature"] and query["state"] == ["open"]
            return self._paged([{"number": 7, "head": {"sha": self.head}}] if fits else [], address)
        if path == "/repos/acme/mesh/pulls/7":
            return Answer(200, {"number": 7, "head": {"sha": self.head}})
        if path == "/repos/acme/mesh/issues/7/comments" and method == "POST":
            if len(body["body"]) > 65_536:
                return Answer(422, {"message": "Validation Failed"})
            return Answer(201, self._shown(self.say(self.me, body["body"])))
        if path == "/repos/acme/mesh/issues/7/comments":
            return self._paged([self._shown(number) for number in sorted(self.comments)], address)
        if found := re.fullmatch(r"/repos/acme/mesh/issues/comments/(\d+)", path):
            if method == "GET" and int(found[1]) in self.comments:
                return Answer(200, self._shown(int(found[1])))
            return self._change(method, int(found[1]), body, self._shown)
        return Answer(404, {"message": "Not Found"})

    def _shown(self, number: int) -> dict[str, Any]:
        each = self.comments[number]
        return {"id": number, "user": {"login": each["author"]}, "body": each["body"]}


class GitLab(Forge):
    """GitLab's REST API."""

    def _carry_out(self, method: str, address: str, headers: Any, body: Any) -> Answer:
        if headers.get("PRIVATE-TOKEN") != TOKEN:
            return Answer(401, {"message": "401 Unauthorized"})
        path = urlsplit(address).path
        if path == "/api/v4/user":
            return Answer(200, {"username": self.me})
        if path == "/api/v4/projects/42/merge_requests/7":
            return Answer(200, {"iid": 7, "sha": self.head})
        if path == "/api/v4/projects/42/merge_requests/7/notes" and method == "POST":
            return Answer(201, self._shown(self.say(self.me, body["body"])))
        if path == "/api/v4/projects/42/merge_requests/7/notes":
            return self._paged([self._shown(number) for number in sorted(self.comments)], address)
        if found := re.fullmatch(r"/api/v4/projects/42/merge_requests/7/notes/(\d+)", path):
            if method == "GET" and int(found[1]) in self.comments:
                return Answer(200, self._shown(int(found[1])))
            return self._change(method, int(found[1]), body, self._shown)
        return Answer(404, {"message": "404 Not Found"})

    def _shown(self, number: int) -> dict[str, Any]:
        each = self.comments[number]
        return {"id": number, "author": {"username": each["author"]}, "body": each["body"], "system": False}


class _Handler(BaseHTTPRequestHandler):
    forge: ClassVar[Forge]
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        found = self.forge.answer(self.command, self.path, self.headers, json.loads(content) if content else None)
        if found.slow:
            threading.Event().wait(found.slow)
        if found.dropped:
            self.close_connection = True
            return
        body = b"" if found.status == 204 else (json.dumps(found.body) if found.text is None else found.text).encode()
        self.send_response(found.status)
        for name, value in found.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@contextmanager
def served(forge: Forge) -> Iterator[Forge]:
    """Serve a forge on this machine while the block runs."""
    handler = type("Handler", (_Handler,), {"forge": forge})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    forge.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield forge
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def job_of(forge: Forge, *, run: int = 10, attempt: int = 1, commit: str = "a" * 40) -> dict[str, str]:
    """The variables of a job about merge request 7. On GitHub, the file of the event is still to be named."""
    if isinstance(forge, GitHub):
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": "acme/mesh",
            "GITHUB_API_URL": forge.address,
            "GITHUB_GRAPHQL_URL": f"{forge.address}/graphql",
            "GITHUB_RUN_ID": str(run),
            "GITHUB_RUN_ATTEMPT": str(attempt),
            "GITHUB_TOKEN": TOKEN,
        }
    return {
        "GITLAB_CI": "true",
        "CI_API_V4_URL": f"{forge.address}/api/v4",
        "CI_PROJECT_ID": "42",
        "CI_MERGE_REQUEST_IID": "7",
        "CI_PIPELINE_ID": str(run),
        "CI_JOB_ID": str(attempt),
        "CI_COMMIT_SHA": commit,
        "GITLAB_TOKEN": TOKEN,
    }
