"""State in object storage: copied to this machine, pushed, locked for all machines, and recovered after a kill."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from botocore.exceptions import ReadTimeoutError

from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.engine.stack import Stack
from alchemesh_platform.engine.state import remote as remote_state
from alchemesh_platform.engine.state.checkout import checked_out, unlocked
from alchemesh_platform.engine.state.lock import StackLocked
from alchemesh_platform.engine.state.object_store import Conflict, ObjectStore, StoreUnusable, open_store
from alchemesh_platform.engine.state.remote import StateNotPushed, StateOverwritten
from parts.buckets import BUCKET, CREDENTIALS, Bucket, gcs_bucket, s3_bucket
from tests.engine.harness import PROJECT, Bench, Things, bench_in
from tests.waiting import until

pytestmark = [pytest.mark.engine, pytest.mark.slow]

THINGS: Things = {"a": {"value": 1}, "b": {"after": ["a"]}}
IN_CREATION: Things = {"a": {"value": 1}, "slow": {"gate": "go", "after": ["a"]}, "later": {"after": ["slow"]}}
STATE = f".pulumi/stacks/{PROJECT}/dev.json"
LOCKS = f".pulumi/locks/organization/{PROJECT}/dev/"


@pytest.fixture(scope="module")
def store() -> Iterator[Bucket]:
    """A bucket on a server that starts once."""
    with s3_bucket() as made:
        yield made


@pytest.fixture
def bucket(store: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """The bucket, emptied."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "shared by all machines")
    store.empty()
    yield store
    store.go_on()


@pytest.fixture
def bench(tmp_path: Path, engine: Engine, bucket: Bucket) -> Iterator[Bench]:
    with bench_in(tmp_path, engine, backend=bucket.address) as made:
        yield made


def elsewhere(bench: Bench, tmp_path: Path) -> Bench:
    """The same stack and things, on a machine that has no copy of them."""
    return replace(bench, stack=replace(bench.stack, home=tmp_path / "elsewhere"))


def pending_in(bucket: Bucket) -> list[str]:
    """Names of the things with a pending operation in the bucket's state."""
    latest = json.loads(bucket.read(STATE))["checkpoint"]["latest"] or {}
    return [operation["resource"]["urn"].rpartition("::")[2] for operation in latest.get("pending_operations", ())]


def recorded_in(bucket: Bucket) -> set[str]:
    """Names of the things in the bucket's state."""
    latest = json.loads(bucket.read(STATE))["checkpoint"]["latest"] or {}  # still empty if only the stack was created
    return {
        resource["urn"].rpartition("::")[2]
        for resource in latest.get("resources", ())
        if resource["type"].startswith("test:")
    }


def test_another_machine_continues_from_the_state_in_the_bucket(bench: Bench, bucket: Bucket, tmp_path: Path) -> None:
    assert bench.run("up", THINGS).outcome == "succeeded"
    assert recorded_in(bucket) == {"a", "b"}
    assert not [key for key in bucket.keys if key.startswith(LOCKS)]

    there = elsewhere(bench, tmp_path)
    assert there.run("up", THINGS).changes.keys() == {"same"}
    assert there.run("up", {"a": {"value": 2}}).outcome == "succeeded"
    assert bench.run("preview", {"a": {"value": 2}}).changes.keys() == {"same"}
    assert bench.run("destroy", {}).outcome == "succeeded"
    assert recorded_in(bucket) == set()


def test_plain_pulumi_reads_the_pushed_state(bench: Bench, bucket: Bucket, engine: Engine, tmp_path: Path) -> None:
    bench.run("up", THINGS)
    environ = {**os.environ, "PULUMI_BACKEND_URL": bucket.address, "PULUMI_HOME": str(tmp_path / "plain")}
    done = subprocess.run(
        [engine.path, "stack", "export", f"--stack=organization/{PROJECT}/dev", "--non-interactive"],
        env=environ,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    urns = [resource["urn"] for resource in json.loads(done.stdout)["deployment"]["resources"]]
    assert {urn.rpartition("::")[2] for urn in urns} >= {"a", "b"}
    assert any(key.startswith(f".pulumi/history/{PROJECT}/dev/") for key in bucket.keys)


def test_a_lock_of_plain_pulumi_blocks_a_run(bench: Bench, bucket: Bucket) -> None:
    held = {"pid": 7, "username": "ada", "hostname": "elsewhere", "timestamp": "2026-03-01T09:30:00.123456789Z"}
    bucket.s3.put_object(Bucket=BUCKET, Key=f"{LOCKS}0b1d.json", Body=json.dumps(held).encode())
    with pytest.raises(StackLocked, match="ada@elsewhere") as locked:
        bench.run("up", THINGS)
    assert "alchemesh unlock" in str(locked.value.hint)
    assert bench.things.deployed == set()
    assert [note for note in unlocked(bench.stack) if "ada@elsewhere" in note]
    assert bench.run("up", THINGS).outcome == "succeeded"


def test_the_second_of_two_machines_waits_for_the_lock(bench: Bench, tmp_path: Path) -> None:
    there = elsewhere(bench, tmp_path)
    with checked_out(bench.stack, report=bench.reported.append):
        with pytest.raises(StackLocked):
            there.run("up", THINGS)
        with pytest.raises(StackLocked):
            unlocked(there.stack)  # its holder is alive
    assert there.run("up", THINGS).outcome == "succeeded"


def test_only_one_of_many_concurrent_lockers_gets_the_lock(bench: Bench, tmp_path: Path) -> None:
    inside: list[int] = []

    def enter(number: int) -> bool:
        stack = replace(bench.stack, home=tmp_path / f"machine-{number}")
        try:
            with checked_out(stack, report=lambda _line: None):
                inside.append(number)
                assert len(inside) == 1, f"{inside} are in at once"
                until(lambda: True, what="a moment")
                inside.remove(number)
        except StackLocked:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert any(list(pool.map(enter, range(6))))


def test_state_is_pushed_during_the_run(bench: Bench, bucket: Bucket) -> None:
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(bench.run, "up", IN_CREATION)
        until(
            lambda: STATE in bucket.keys and pending_in(bucket) == ["slow"],
            what="the creation of slow is in the bucket",
        )
        assert recorded_in(bucket) == {"a"}
        assert not running.done()
        bench.things.open_gate("go")
        assert running.result().outcome == "succeeded"
    assert recorded_in(bucket) == set(IN_CREATION)


def test_a_killed_run_resumes_on_the_same_machine(bench: Bench, bucket: Bucket) -> None:
    """The caller dies with its pushes; its engine ends later and leaves more state in the folder than in the bucket."""
    caller = bench.start("up", IN_CREATION)
    until(lambda: "create slow" in bench.things.calls, what="create slow")
    caller.kill()
    caller.wait()
    bench.things.open_gate("go")
    assert [key for key in bucket.keys if key.startswith(LOCKS)], "the lock outlives its holder"

    up = bench.run("up", IN_CREATION)
    assert up.outcome == "succeeded", up
    assert [line for line in bench.reported if "was killed" in line]
    assert bench.things.deployed == recorded_in(bucket) == set(IN_CREATION)
    assert bench.run("up", IN_CREATION).changes.keys() == {"same"}
    assert bench.reported == []


def test_a_killed_run_resumes_on_another_machine(bench: Bench, bucket: Bucket, tmp_path: Path) -> None:
    caller = bench.start("up", IN_CREATION)
    until(lambda: "create slow" in bench.things.calls, what="create slow")
    until(lambda: STATE in bucket.keys and recorded_in(bucket) == {"a"}, what="a is in the bucket")
    caller.kill()
    caller.wait()
    bench.things.open_gate("go")
    _as_if_of_another_machine(bucket)

    there = elsewhere(bench, tmp_path)
    with pytest.raises(StackLocked, match="lost-machine"):
        there.run("up", IN_CREATION)
    assert unlocked(there.stack)
    assert there.run("up", IN_CREATION).outcome == "succeeded"
    assert there.things.deployed == recorded_in(bucket) == set(IN_CREATION)

    # The lost machine returns with an obsolete state.
    assert bench.run("up", IN_CREATION).changes.keys() == {"same"}


def _as_if_of_another_machine(bucket: Bucket) -> None:
    for key in bucket.keys:
        if key.startswith(LOCKS):
            held = json.loads(bucket.read(key)) | {"hostname": "lost-machine"}
            bucket.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(held).encode())


def test_the_next_run_pushes_state_that_was_not_pushed(
    bench: Bench, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Long enough for a store on a busy machine: a run that cannot begin has nothing to push.
    for patience, number in (("TIMEOUT_SECONDS", 10), ("ATTEMPTS", 1)):
        monkeypatch.setattr(f"alchemesh_platform.engine.state.object_store.{patience}", number)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(bench.run, "up", IN_CREATION)
        until(lambda: "create slow" in bench.things.calls, what="create slow")
        bucket.pause()
        bench.things.open_gate("go")
        with pytest.raises(StateNotPushed, match="could not be pushed") as reported:
            running.result()
        bucket.go_on()
    assert "the next run from this machine pushes it" in str(reported.value.hint)
    assert bench.recorded == set(IN_CREATION)

    assert bench.run("up", IN_CREATION).changes.keys() == {"same"}
    assert recorded_in(bucket) == set(IN_CREATION)


def test_a_concurrent_write_of_the_state_is_not_overwritten(bench: Bench, bucket: Bucket) -> None:
    bench.run("up", {"a": {"value": 1}})
    theirs = bucket.read(STATE) + b"\n"
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(bench.run, "up", IN_CREATION)
        until(lambda: "create slow" in bench.things.calls, what="create slow")
        bucket.s3.put_object(Bucket=BUCKET, Key=STATE, Body=theirs)
        bench.things.open_gate("go")
        with pytest.raises(StateOverwritten):
            running.result()
    assert bucket.read(STATE) == theirs

    reported = bench.run("up", IN_CREATION)
    assert reported.outcome == "succeeded"
    assert [line for line in bench.reported if "was changed by another machine; this machine's copy is kept as" in line]
    assert bench.things.deployed == recorded_in(bucket) == set(IN_CREATION)


class Unanswered:
    """A store that executes each request, but the answers to some writes are lost."""

    def __init__(self, store: ObjectStore, lost: Callable[[str], bool]) -> None:
        self._store, self._lost = store, lost
        self.read, self.delete, self.names = store.read, store.delete, store.names

    def write(self, name: str, content: bytes, *, replaces: str | None = None) -> str:
        version = self._store.write(name, content, replaces=replaces)
        if self._lost(name):
            raise ReadTimeoutError(endpoint_url=name)
        return version


def losing(monkeypatch: pytest.MonkeyPatch, lost: Callable[[str], bool]) -> None:
    monkeypatch.setattr(remote_state, "open_store", lambda backend: Unanswered(open_store(backend), lost))


def test_a_push_with_a_lost_answer_does_not_count_as_a_foreign_write(
    bench: Bench, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Later changes of the run were once not pushed, and the next run discarded them."""
    left = [STATE]
    losing(monkeypatch, lambda name: name in left and not left.remove(name))  # type: ignore[func-returns-value]
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(bench.run, "up", IN_CREATION)
        until(lambda: "create slow" in bench.things.calls and not left, what="a first push")
        bench.things.open_gate("go")
        assert running.result().outcome == "succeeded"
    assert recorded_in(bucket) == set(IN_CREATION)


def test_a_run_that_never_gets_an_answer_to_its_pushes_resumes(
    bench: Bench, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a run that is killed between a push and its answer: the next run once forgot later resources."""
    assert bench.run("up", {"a": {"value": 1}}).outcome == "succeeded"
    with monkeypatch.context() as lossy:
        losing(lossy, lambda name: name == STATE)
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(bench.run, "up", IN_CREATION)
            until(lambda: "create slow" in bench.things.calls, what="create slow")
            before = bucket.read(STATE)
            until(lambda: bucket.read(STATE) == before, what="a push")
            bench.things.open_gate("go")
            with pytest.raises(StateNotPushed):
                running.result()
    assert bench.run("up", IN_CREATION).changes.keys() == {"same"}
    assert not [line for line in bench.reported if "was changed by another machine" in line]
    assert bench.things.deployed == recorded_in(bucket) == set(IN_CREATION)


def test_a_store_that_is_busy_with_the_previous_push_is_retried(
    bench: Bench, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bench.run("up", {"a": {"value": 1}}).outcome == "succeeded"
    left = [STATE]

    class Busy(Unanswered):
        def write(self, name: str, content: bytes, *, replaces: str | None = None) -> str:
            if name in left:
                left.remove(name)
                raise Conflict(name)  # S3: ConditionalRequestConflict
            return self._store.write(name, content, replaces=replaces)

    monkeypatch.setattr(remote_state, "open_store", lambda backend: Busy(open_store(backend), lambda _name: False))
    assert bench.run("up", THINGS).outcome == "succeeded"
    assert left == []
    assert recorded_in(bucket) == {"a", "b"}


def test_a_lock_with_a_lost_answer_belongs_to_its_run(
    bench: Bench, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cloud's library retries then, and the store answers that the lock is held."""

    class AskedAgain(Unanswered):
        def write(self, name: str, content: bytes, *, replaces: str | None = None) -> str:
            self._store.write(name, content, replaces=replaces)
            return self._store.write(name, content, replaces=replaces) if self._lost(name) else ""

    def lossy(backend: str) -> ObjectStore:
        return AskedAgain(open_store(backend), lambda name: name.startswith(LOCKS))

    monkeypatch.setattr(remote_state, "open_store", lossy)
    with checked_out(bench.stack, report=bench.reported.append):
        assert [key for key in bucket.keys if key.startswith(LOCKS)]
    assert not [key for key in bucket.keys if key.startswith(LOCKS)]


def test_rate_limited_uploads_to_cloud_storage_are_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [429, 503, 200]

    class Busy(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(answers.pop(0))
            body = b'{"generation": "7"}'
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Busy) as server, ThreadPoolExecutor(1) as pool:
        pool.submit(server.serve_forever, 0.05)
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{server.server_port}")
        try:
            assert open_store("gs://state").write("a", b"b", replaces="6") == "7"
        finally:
            server.shutdown()
    assert answers == []


@pytest.mark.parametrize(
    ("address", "credentials", "said"),
    [
        ("s3://nowhere", {}, "nowhere"),
        ("s3://state", {"AWS_ACCESS_KEY_ID": ""}, "state"),
    ],
)
def test_an_unusable_bucket_is_named(
    bucket: Bucket,
    tmp_path: Path,
    address: str,
    credentials: dict[str, str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in credentials.items():
        monkeypatch.delenv(name) if not value else monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    query = bucket.address.partition("?")[2]
    stack = Stack(PROJECT, "dev", f"{address}?{query}", tmp_path)
    with pytest.raises(StoreUnusable, match=said) as reported, checked_out(stack, report=lambda _line: None):
        pass
    assert "endpoint" not in reported.value.message, "settings of the address are not shown"


def test_without_google_credentials_the_error_says_how_to_sign_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "STORAGE_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")  # skips the request that checks for a machine of Google
    with pytest.raises(StoreUnusable, match="credentials were not found") as reported:
        open_store("gs://acme-state")
    assert "gcloud auth application-default login" in str(reported.value.hint)


def test_a_stack_keeps_its_state_in_cloud_storage(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "shared by all machines")
    with gcs_bucket() as bucket:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{bucket.port}")
        import alchemesh_platform.provider.serve.servicer  # noqa: F401 as in a real run: Google's own client clashes with it

        with bench_in(tmp_path, engine, backend=f"{bucket.address}/mesh") as bench:
            assert bench.run("up", THINGS).outcome == "succeeded"
            there = elsewhere(bench, tmp_path)
            assert there.run("up", {**THINGS, "c": {}}).changes == {"same": 3, "create": 1}
            with checked_out(bench.stack, report=bench.reported.append), pytest.raises(StackLocked):
                there.run("up", THINGS)
            assert bench.run("up", {**THINGS, "c": {}}).changes.keys() == {"same"}
