"""The engine is found, or got all or nothing, and what is wrong is told with the ways out."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
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

from alchemesh_platform.engine.discover import (
    CACHE_VARIABLE,
    ENGINE_VARIABLE,
    RELEASES_VARIABLE,
    Engine,
    EngineMissing,
    EngineTooOld,
    find_engine,
)
from alchemesh_platform.engine.download import release_platform
from alchemesh_platform.engine.versions import MINIMUM_VERSION, PINNED_VERSION, new_enough, version_key
from alchemesh_platform.failure import ExitCode

from .harness import until

REPO = Path(__file__).parent.parent.parent
NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens there


class Machine:
    """A made-up machine: a folder of programs, a cache, and what they told."""

    def __init__(self, root: Path) -> None:
        self.bin = root / "bin"
        self.cache = root / "cache" / "engine"
        self.starts = root / "starts"
        self.bin.mkdir()
        for tool in ("sh", "cat", "chmod", "sleep", "mkdir", "rm"):
            (self.bin / tool).symlink_to(str(shutil.which(tool)))
        self.environ = {
            "PATH": str(self.bin),
            CACHE_VARIABLE: str(root / "cache"),
            RELEASES_VARIABLE: NOWHERE,
            "HOME": str(root),
        }
        self.told: list[str] = []

    def find(self, *, allow_install: bool = True) -> Engine:
        return find_engine(progress=self.told.append, allow_install=allow_install, environ=self.environ)

    def engine(self, path: Path, version: str) -> Path:
        """A program that answers as an engine of that version."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'#!/bin/sh\necho "$0" >> {self.starts}\necho v{version}\n', "utf-8")
        path.chmod(0o755)
        return path

    def go(self, script: str) -> None:
        """A `go` that does as the script says; OUT is the file to build."""
        find_out = 'OUT=; while [ $# -gt 0 ]; do [ "$1" = -o ] && OUT="$2"; shift; done'
        (self.bin / "go").write_text(f'#!/bin/sh\nSTEP="$1"\n{find_out}\n{script}\n', "utf-8")
        (self.bin / "go").chmod(0o755)

    def builds(self, version: str = PINNED_VERSION) -> str:
        """Script of a build that works, and counts itself."""
        return (
            f'if [ "$STEP" = build ]; then echo build >> {self.starts}.go; '
            f'printf "#!/bin/sh\\necho v{version}\\n" > "$OUT"; chmod 755 "$OUT"; fi'
        )

    @property
    def left(self) -> list[str]:
        """What is in the cache beside engines, the memory and the lock."""
        if not self.cache.exists():
            return []
        return [path.name for path in self.cache.iterdir() if path.name.startswith(".")]

    @property
    def installed(self) -> Path:
        return self.cache / PINNED_VERSION / "pulumi"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_named_engine_is_taken(machine: Machine, tmp_path: Path) -> None:
    named = machine.engine(tmp_path / "mine", "3.300.1")
    machine.engine(machine.bin / "pulumi", PINNED_VERSION)
    machine.environ[ENGINE_VARIABLE] = str(named)
    assert machine.find() == Engine(named, "3.300.1", "environment variable")


def test_a_named_engine_that_is_wrong_is_not_replaced_by_another(machine: Machine, tmp_path: Path) -> None:
    machine.engine(machine.bin / "pulumi", PINNED_VERSION)
    machine.environ[ENGINE_VARIABLE] = str(tmp_path / "nothing")
    with pytest.raises(EngineMissing, match="which is no program") as missing:
        machine.find()
    assert missing.value.exit_code == ExitCode.ENGINE
    machine.environ[ENGINE_VARIABLE] = str(machine.engine(tmp_path / "old", "3.10.0"))
    with pytest.raises(EngineTooOld, match=r"Pulumi 3\.10\.0") as old:
        machine.find()
    assert old.value.exit_code == ExitCode.ENGINE
    assert MINIMUM_VERSION in old.value.message
    (tmp_path / "other").write_text("#!/bin/sh\necho hello\n", "utf-8")
    (tmp_path / "other").chmod(0o755)
    machine.environ[ENGINE_VARIABLE] = str(tmp_path / "other")
    with pytest.raises(EngineMissing, match="hello"):
        machine.find()


def test_path_comes_before_the_cache(machine: Machine) -> None:
    on_path = machine.engine(machine.bin / "pulumi", MINIMUM_VERSION)
    machine.engine(machine.installed, PINNED_VERSION)
    assert machine.find() == Engine(on_path, MINIMUM_VERSION, "PATH")
    assert machine.told == []


def test_an_old_one_on_path_gives_way_to_the_cache_and_that_is_told(machine: Machine) -> None:
    machine.engine(machine.bin / "pulumi", "3.100.0")
    machine.engine(machine.installed, PINNED_VERSION)
    assert machine.find() == Engine(machine.installed, PINNED_VERSION, "cache")
    [told] = machine.told
    assert "3.100.0" in told
    assert str(machine.bin / "pulumi") in told
    assert f"{PINNED_VERSION} in the cache is used" in told


def test_an_old_one_on_path_with_nothing_better_is_told_with_the_way_out(machine: Machine) -> None:
    machine.engine(machine.bin / "pulumi", "3.100.0")
    with pytest.raises(EngineTooOld) as caught:
        machine.find(allow_install=False)
    assert "3.100.0" in caught.value.message
    assert MINIMUM_VERSION in caught.value.message
    assert "alchemesh engine --install" in (caught.value.hint or "")
    with pytest.raises(EngineTooOld) as caught:
        machine.find()
    assert "download" in caught.value.message
    assert "build" in caught.value.message
    assert "upgrade" in (caught.value.hint or "")


def test_an_old_one_on_path_gets_a_new_one_beside_it(machine: Machine) -> None:
    machine.engine(machine.bin / "pulumi", "3.100.0")
    machine.go(machine.builds())
    assert machine.find() == Engine(machine.installed, PINNED_VERSION, "build")
    assert "beside it" in machine.told[0]
    assert machine.find().source == "cache"


def test_the_pinned_version_is_preferred_in_the_cache_and_then_the_newest(machine: Machine) -> None:
    machine.engine(machine.cache / "3.256.0" / "pulumi", "3.256.0")
    newest = machine.engine(machine.cache / "3.1000.0" / "pulumi", "3.1000.0")
    machine.engine(machine.cache / "3.99.0" / "pulumi", "3.99.0")
    assert machine.find().path == newest
    machine.engine(machine.installed, PINNED_VERSION)
    assert machine.find().path == machine.installed


def test_a_damaged_cached_engine_is_got_anew(machine: Machine) -> None:
    machine.engine(machine.installed, PINNED_VERSION).write_text("#!/bin/sh\nexit 3\n", "utf-8")
    machine.go(machine.builds())
    assert machine.find() == Engine(machine.installed, PINNED_VERSION, "build")
    assert machine.find().source == "cache"


def test_the_version_is_asked_once_until_the_program_changes(machine: Machine) -> None:
    on_path = machine.engine(machine.bin / "pulumi", PINNED_VERSION)
    for _ in range(3):
        assert machine.find().version == PINNED_VERSION
    assert len(machine.starts.read_text("utf-8").splitlines()) == 1
    machine.engine(on_path, "3.1000.0")
    assert machine.find().version == "3.1000.0"
    (machine.cache / "versions.json").write_text("{", "utf-8")
    assert machine.find().version == "3.1000.0", "a damaged memory is no matter"
    json.loads((machine.cache / "versions.json").read_bytes())


def test_a_cache_that_cannot_be_written_is_no_matter_where_there_is_an_engine(machine: Machine) -> None:
    machine.engine(machine.bin / "pulumi", PINNED_VERSION)
    machine.cache.parent.write_text("in the way", "utf-8")
    assert machine.find().version == PINNED_VERSION


def test_a_missing_engine_names_every_way_that_was_tried(machine: Machine) -> None:
    with pytest.raises(EngineMissing) as caught:
        machine.find()
    lines = {line.split()[0]: line for line in caught.value.message.splitlines()[1:]}
    assert list(lines) == [ENGINE_VARIABLE, "PATH", "cache", "download", "build"]
    assert "not set" in lines[ENGINE_VARIABLE]
    assert "no `pulumi`" in lines["PATH"]
    assert str(machine.cache) in lines["cache"]
    assert NOWHERE in lines["download"]
    assert "Connection refused" in lines["download"]
    assert "no `go` on PATH" in lines["build"]
    assert "https://www.pulumi.com" in (caught.value.hint or "")
    assert caught.value.exit_code == ExitCode.ENGINE
    assert machine.left == []


def test_a_cache_that_cannot_be_made_is_named(machine: Machine) -> None:
    machine.cache.parent.write_text("in the way", "utf-8")
    with pytest.raises(EngineMissing, match="cannot be written"):
        machine.find()


def test_without_leave_nothing_is_got(machine: Machine) -> None:
    machine.go(machine.builds())
    with pytest.raises(EngineMissing) as caught:
        machine.find(allow_install=False)
    assert "alchemesh engine --install" in (caught.value.hint or "")
    assert not machine.cache.exists()


@pytest.mark.parametrize(
    ("version", "enough"),
    [
        ("3.254.9", False),
        ("3.255.0", True),
        ("v3.259.0", True),
        ("3.1000.0", True),
        ("4.0.0", True),
        ("unknown", False),
    ],
)
def test_versions_compare_as_numbers(version: str, enough: bool) -> None:
    assert new_enough(version) is enough
    assert version_key("v3.10.2") == (3, 10, 2)


# --- build ------------------------------------------------------------------------------------------------------------


def test_a_failed_build_says_why_and_leaves_nothing(machine: Machine) -> None:
    machine.go('[ "$STEP" = get ] && exit 0; echo "main.go:1: cannot" >&2; echo half > "$OUT"; exit 2')
    with pytest.raises(EngineMissing, match=r"`go build` ended with 2: main\.go:1: cannot"):
        machine.find()
    assert machine.left == []
    assert not machine.installed.exists()


def test_a_build_of_something_else_is_not_installed(machine: Machine) -> None:
    machine.go(machine.builds("3.1.0"))
    with pytest.raises(EngineMissing, match=r"says it is 3\.1\.0"):
        machine.find()
    assert machine.left == []
    assert not machine.installed.exists()


FIND = "from alchemesh_platform.engine.discover import find_engine; print(find_engine(progress=print).source)"


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
def test_an_interrupted_build_leaves_nothing_that_is_taken_for_an_engine(
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
    process.communicate(timeout=60)
    assert not machine.installed.exists()
    if number == signal.SIGINT:
        assert machine.left == []
    go_on.touch()
    machine.go(machine.builds())
    assert machine.find().source == "build"
    assert machine.left == [], "what a killed process left is cleared away"


def test_processes_at_once_build_once(machine: Machine, tmp_path: Path) -> None:
    began, go_on = tmp_path / "began", tmp_path / "go-on"
    machine.go(WAITS.format(began=began, go_on=go_on) + machine.builds())
    first = finder(machine)
    until(began.exists, what="the build has begun")
    second = finder(machine)
    assert second.stdout is not None
    assert "another process is getting the engine" in second.stdout.readline()
    go_on.touch()
    outs = [process.communicate(timeout=60) for process in (first, second)]
    assert [out.split()[-1] for out, _err in outs] == ["build", "cache"], outs
    assert Path(f"{machine.starts}.go").read_text("utf-8") == "build\n"


def test_a_build_tells_how_far_it_is(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    from alchemesh_platform.engine import build

    monkeypatch.setattr(build, "TOLD_EVERY_SECONDS", 0.0)
    machine.go('[ "$STEP" = build ] && echo github.com/a/b >&2 && echo github.com/a/c >&2\n' + machine.builds())
    machine.find()
    assert "building Pulumi 3.259.0 from its Go module; this takes some minutes, once" in machine.told
    assert "2 packages compiled" in machine.told


# --- download ---------------------------------------------------------------------------------------------------------


def archive(version: str = PINNED_VERSION, member: str = "pulumi/pulumi") -> bytes:
    """A release, with an engine that answers as one of that version, and enough bytes to be cut."""
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
    """A host of releases; gives the paths that it was asked for."""
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
        ({CHECKSUMS: checksums(GOOD), ARCHIVE: broken_off(GOOD)}, "broke off|IncompleteRead"),
        ({CHECKSUMS: checksums(CUT), ARCHIVE: CUT}, "cannot be unpacked"),
        ({CHECKSUMS: checksums(b"no archive"), ARCHIVE: b"no archive"}, "cannot be unpacked"),
        ({CHECKSUMS: checksums(ELSEWHERE), ARCHIVE: ELSEWHERE}, "cannot be unpacked"),
    ],
)
def test_a_bad_download_is_told_and_not_installed(
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
    assert any("HTTP 404" in line for line in machine.told)


def test_an_interrupted_download_leaves_nothing(machine: Machine) -> None:
    started, go_on = threading.Event(), threading.Event()

    def slow(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(GOOD)))
        request.end_headers()
        request.wfile.write(GOOD[:1000])
        request.wfile.flush()
        started.set()
        go_on.wait(60)

    with release_host(machine, {CHECKSUMS: checksums(GOOD), ARCHIVE: slow}):
        process = finder(machine)
        assert started.wait(60)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        go_on.set()
    assert process.returncode != 0
    assert machine.left == []
    assert not machine.installed.exists()


def test_releases_from_elsewhere_than_the_web_are_refused(machine: Machine, tmp_path: Path) -> None:
    machine.environ[RELEASES_VARIABLE] = f"file://{tmp_path}"
    with pytest.raises(EngineMissing, match="is no web address"):
        machine.find()
