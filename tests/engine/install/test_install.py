"""The engine is installed completely or not at all: built or downloaded, interrupted, or by concurrent processes."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from alchemesh_platform.engine.install.download import release_platform
from alchemesh_platform.engine.install.find import RELEASES_VARIABLE, Engine, EngineMissing
from alchemesh_platform.engine.install.versions import PINNED_VERSION
from tests.engine.install.machine import Machine
from tests.waiting import LONGEST, until

REPO = Path(__file__).parents[3]


def test_a_failed_build_says_why_and_leaves_nothing(machine: Machine) -> None:
    machine.go('[ "$STEP" = get ] && exit 0; echo "main.go:1: cannot" >&2; echo half > "$OUT"; exit 2')
    with pytest.raises(EngineMissing, match=r"`go build` ended with 2: main\.go:1: cannot"):
        machine.find()
    assert machine.left == []
    assert not machine.installed.exists()


def test_a_build_of_something_else_is_not_installed(machine: Machine) -> None:
    machine.go(machine.builds("3.1.0"))
    with pytest.raises(EngineMissing, match=r"has version 3\.1\.0"):
        machine.find()
    assert machine.left == []
    assert not machine.installed.exists()


FIND = "from alchemesh_platform.engine.install.find import find_engine; print(find_engine(progress=print).source)"


def finder(machine: Machine) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "-c", FIND],
        env={**machine.environ, "PYTHONPATH": str(REPO)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )


WAITS = """
if [ "$STEP" = build ]; then
  echo half > "$OUT"; echo $$ > {began}
  while [ ! -e {go_on} ]; do sleep 0.05; done
fi
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_build_leaves_no_file_that_counts_as_an_engine(
    machine: Machine, tmp_path: Path, number: signal.Signals
) -> None:
    began, go_on = tmp_path / "began", tmp_path / "go-on"
    machine.go(WAITS.format(began=began, go_on=go_on))
    process = finder(machine)
    until(lambda: began.exists() and began.read_text("utf-8"), what="the build has begun")
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does it
    else:
        process.send_signal(number)
    process.communicate(timeout=LONGEST)
    assert not machine.installed.exists()
    if number == signal.SIGINT:
        assert machine.left == []
    go_on.touch()
    machine.go(machine.builds())
    assert machine.find().source == "build"
    assert machine.left == [], "what a killed process left is cleared away"


def test_concurrent_processes_build_once(machine: Machine, tmp_path: Path) -> None:
    began, go_on = tmp_path / "began", tmp_path / "go-on"
    machine.go(WAITS.format(began=began, go_on=go_on) + machine.builds())
    first = finder(machine)
    until(began.exists, what="the build has begun")
    second = finder(machine)
    assert second.stdout is not None
    assert "another process is installing the engine" in second.stdout.readline()
    go_on.touch()
    outs = [process.communicate(timeout=LONGEST) for process in (first, second)]
    assert [out.split()[-1] for out, _err in outs] == ["build", "cache"], outs
    assert Path(f"{machine.starts}.go").read_text("utf-8") == "build\n"


def test_a_build_reports_its_progress(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    from alchemesh_platform.engine.install import go

    monkeypatch.setattr(go, "REPORT_EVERY_SECONDS", 0.0)
    machine.go('[ "$STEP" = build ] && echo github.com/a/b >&2 && echo github.com/a/c >&2\n' + machine.builds())
    machine.find()
    assert "building Pulumi 3.259.0 from its Go module; this takes some minutes, once" in machine.reported
    assert "2 packages compiled" in machine.reported


def archive(version: str = PINNED_VERSION, member: str = "pulumi/pulumi") -> bytes:
    """A release, with an engine that reports that version, and enough bytes to truncate."""
    program = f"#!/bin/sh\necho v{version}\n".encode() + b"#" + os.urandom(200_000).hex().encode() + b"\n"
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        info = tarfile.TarInfo(member)
        info.size = len(program)
        tar.addfile(info, io.BytesIO(program))
    return content.getvalue()


Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def release_host(machine: Machine, answers: dict[str, bytes | Answer]) -> Iterator[list[str]]:
    """A host of releases; yields the requested paths."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            answer = answers.get(self.path.removeprefix("/sdk/"))
            if answer is None:
                self.send_error(404)
            elif isinstance(answer, bytes):
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
            else:
                answer(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the name is the base class's
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    machine.environ[RELEASES_VARIABLE] = f"http://127.0.0.1:{server.server_port}/sdk"
    try:
        yield asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


ARCHIVE = f"pulumi-v{PINNED_VERSION}-{release_platform()}.tar.gz"
CHECKSUMS = f"pulumi-{PINNED_VERSION}-checksums.txt"


def checksums(content: bytes) -> bytes:
    other = f"{'0' * 64}  pulumi-v{PINNED_VERSION}-plan9-x64.tar.gz"
    return f"{other}\n{hashlib.sha256(content).hexdigest()}  {ARCHIVE}\n".encode()


def test_a_release_is_downloaded_checked_and_installed(machine: Machine) -> None:
    content = archive()
    with release_host(machine, {ARCHIVE: content, CHECKSUMS: checksums(content)}) as asked:
        assert machine.find() == Engine(machine.installed, PINNED_VERSION, "download")
    assert asked == [f"/sdk/{CHECKSUMS}", f"/sdk/{ARCHIVE}"]
    assert machine.left == []
    assert machine.installed.stat().st_mode & 0o111
    assert machine.find().source == "cache"


def broken_off(content: bytes) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content[: len(content) // 2])
        request.close_connection = True

    return answer


GOOD = archive()
CUT = GOOD[: len(GOOD) // 2]
ELSEWHERE = archive(member="pulumi/README")


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ({}, "HTTP 404"),
        ({CHECKSUMS: checksums(GOOD)}, "HTTP 404"),
        ({CHECKSUMS: b"nothing of use\n", ARCHIVE: GOOD}, "has no checksum of"),
        ({CHECKSUMS: checksums(b"other"), ARCHIVE: GOOD}, "its checksums file says"),
        ({CHECKSUMS: checksums(GOOD), ARCHIVE: CUT}, "its checksums file says"),
        ({CHECKSUMS: checksums(GOOD), ARCHIVE: broken_off(GOOD)}, "stopped after|IncompleteRead"),
        ({CHECKSUMS: checksums(CUT), ARCHIVE: CUT}, "cannot be unpacked"),
        ({CHECKSUMS: checksums(b"no archive"), ARCHIVE: b"no archive"}, "cannot be unpacked"),
        ({CHECKSUMS: checksums(ELSEWHERE), ARCHIVE: ELSEWHERE}, "cannot be unpacked"),
    ],
)
def test_a_bad_download_is_reported_and_not_installed(
    machine: Machine, answers: dict[str, bytes | Answer], why: str
) -> None:
    with release_host(machine, answers), pytest.raises(EngineMissing, match=why):
        machine.find()
    assert machine.left == []
    assert not machine.installed.exists()


def test_a_bad_download_is_followed_by_a_build(machine: Machine) -> None:
    machine.go(machine.builds())
    with release_host(machine, {}):
        assert machine.find().source == "build"
    assert any("HTTP 404" in line for line in machine.reported)


def test_an_interrupted_download_leaves_nothing(machine: Machine) -> None:
    started, go_on = threading.Event(), threading.Event()

    def slow(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(GOOD)))
        request.end_headers()
        request.wfile.write(GOOD[:1000])
        request.wfile.flush()
        started.set()
        go_on.wait(LONGEST)

    with release_host(machine, {CHECKSUMS: checksums(GOOD), ARCHIVE: slow}):
        process = finder(machine)
        assert started.wait(LONGEST)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=LONGEST)
        go_on.set()
    assert process.returncode != 0
    assert machine.left == []
    assert not machine.installed.exists()


def test_releases_from_elsewhere_than_the_web_are_refused(machine: Machine, tmp_path: Path) -> None:
    machine.environ[RELEASES_VARIABLE] = f"file://{tmp_path}"
    with pytest.raises(EngineMissing, match="is no web address"):
        machine.find()
