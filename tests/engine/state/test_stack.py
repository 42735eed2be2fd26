"""A stack is created once, its key is never overwritten, and damaged state is restored or reported."""

from __future__ import annotations

import gzip
import os
import shutil
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pulumi
import pytest

from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.engine.stack import Stack, StackFailed
from alchemesh_platform.engine.state.folder import StateDamaged, StateFolder, folder_of, repair_state
from alchemesh_platform.engine.state.key import KeyLost, ensure_key
from tests.engine.harness import Bench
from tests.engine.thing import Thing
from tests.waiting import LONGEST

MAKE_KEY = """
import sys
from pathlib import Path
from alchemesh_platform.engine.state.key import ensure_key
sys.stdin.readline()
ensure_key(Path(sys.argv[1]), in_use=False)
"""


def test_the_key_is_private_and_created_once(tmp_path: Path) -> None:
    key = tmp_path / "home" / "state.key"
    ensure_key(key, in_use=False)
    first = key.read_text("ascii")
    assert len(first) >= 32
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    ensure_key(key, in_use=False)
    ensure_key(key, in_use=True)
    assert key.read_text("ascii") == first
    assert list(key.parent.iterdir()) == [key]


def test_concurrent_processes_agree_on_one_key(tmp_path: Path) -> None:
    key = tmp_path / "state.key"
    makers = [
        subprocess.Popen([sys.executable, "-c", MAKE_KEY, str(key)], stdin=subprocess.PIPE, text=True) for _ in range(4)
    ]
    for maker in makers:
        assert maker.stdin is not None
        maker.stdin.write("now\n")
        maker.stdin.flush()
    assert [maker.wait(LONGEST) for maker in makers] == [0, 0, 0, 0]
    for maker in makers:
        assert maker.stdin is not None
        maker.stdin.close()
    assert list(tmp_path.iterdir()) == [key]


def test_a_lost_key_is_not_re_created(tmp_path: Path) -> None:
    with pytest.raises(KeyLost) as caught:
        ensure_key(tmp_path / "state.key", in_use=True)
    assert str(tmp_path / "state.key") in caught.value.message
    assert "PULUMI_CONFIG_PASSPHRASE" in (caught.value.hint or "")
    assert not (tmp_path / "state.key").exists()


def test_the_engine_is_kept_quiet_and_offline(tmp_path: Path) -> None:
    stack = Stack("shop.orders", "dev", f"file://{tmp_path}/state", tmp_path)
    environ = stack.environ({"PATH": "/bin", "AWS_PROFILE": "mine", "PULUMI_OPTION_TARGET": "x", "PULUMI_STACK": "y"})
    assert environ["PULUMI_SKIP_UPDATE_CHECK"] == "true"
    assert environ["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] == "true"
    assert environ["PULUMI_CONFIG_PASSPHRASE_FILE"] == str(stack.key_file)
    assert environ["PULUMI_HOME"].startswith(str(tmp_path))
    assert environ["AWS_PROFILE"] == "mine"
    assert "PULUMI_OPTION_TARGET" not in environ
    assert "PULUMI_STACK" not in environ


def test_settings_of_the_user_are_respected(tmp_path: Path) -> None:
    stack = Stack("shop.orders", "dev", "https://api.pulumi.com", tmp_path)
    theirs = {
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "false",
        "PULUMI_HOME": "/home/ada/.pulumi",
    }
    environ = stack.environ(theirs)
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" not in environ
    assert environ["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] == "false"
    assert environ["PULUMI_CREDENTIALS_PATH"] == "/home/ada/.pulumi", "a login to Pulumi Cloud is found"
    kms = Stack("shop.orders", "dev", "gs://bucket", tmp_path, "gcpkms://key")
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" not in kms.environ({})
    assert "PULUMI_CREDENTIALS_PATH" not in kms.environ({})


@pytest.mark.parametrize(
    ("backend", "folder", "query"),
    [
        ("file:///srv/state", Path("/srv/state"), "metadata=skip"),
        ("file:///srv/state?no_tmp_dir=true", Path("/srv/state"), "no_tmp_dir=true&metadata=skip"),
        ("file:///srv/state?metadata=", Path("/srv/state"), "metadata="),
        ("file://~/state", Path("~/state").expanduser(), "metadata=skip"),
        ("file://state", Path.cwd() / "state", "metadata=skip"),
        ("s3://bucket?region=x", None, ""),
        ("https://api.pulumi.com", None, ""),
    ],
)
def test_a_backend_names_a_folder_as_pulumi_reads_it(
    backend: str, folder: Path | None, query: str, tmp_path: Path
) -> None:
    assert folder_of(backend) == folder
    reported = Stack("p", "s", backend, tmp_path).environ({})["PULUMI_BACKEND_URL"]
    assert reported == (backend if folder is None else f"file://{folder}?{query}")


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    folder = StateFolder(tmp_path, "shop.orders", "dev")
    folder.file.parent.mkdir(parents=True)
    return folder


WHOLE = '{"version":3,"checkpoint":{"stack":"organization/shop.orders/dev","latest":{"resources":[]}}}'


def test_valid_state_is_left_unchanged(state: StateFolder) -> None:
    assert repair_state(state) is None
    state.file.write_text(WHOLE, "utf-8")
    assert repair_state(state) is None
    assert state.file.read_text("utf-8") == WHOLE


@pytest.mark.parametrize("damage", ["", WHOLE[:-20], "\0" * 100, "[]", "{}"])
def test_damaged_state_is_restored_from_its_backup(state: StateFolder, damage: str) -> None:
    file = state.file
    file.write_text(damage, "utf-8")
    file.with_name("dev.json.bak").write_text(WHOLE, "utf-8")
    reported = repair_state(state)
    assert reported is not None
    assert "was damaged" in reported
    assert file.read_text("utf-8") == WHOLE
    assert file.with_name("dev.json.damaged").read_text("utf-8") == damage
    assert str(file.with_name("dev.json.damaged")) in reported
    assert repair_state(state) is None


def test_damaged_compressed_state_is_restored_too(state: StateFolder) -> None:
    file = state.file.with_name("dev.json.gz")
    whole = gzip.compress(WHOLE.encode())
    file.write_bytes(whole[:-10])
    file.with_name("dev.json.gz.bak").write_bytes(whole)
    assert repair_state(state) is not None
    assert file.read_bytes() == whole


def test_unrecognised_state_is_left_to_the_engine(state: StateFolder) -> None:
    state.file.with_name("dev.json.zst").write_bytes(b"\x28\xb5\x2f\xfd then anything")
    assert repair_state(state) is None


def test_damaged_state_without_a_good_backup_names_the_other_backups(state: StateFolder) -> None:
    state.file.write_text("{", "utf-8")
    with pytest.raises(StateDamaged) as caught:
        repair_state(state)
    assert str(state.file) in caught.value.message
    state.backups.mkdir(parents=True)
    for number in (100, 200):
        (state.backups / f"dev.{number}.json").write_text(WHOLE, "utf-8")
    state.file.with_name("dev.json.bak").write_text("", "utf-8")
    with pytest.raises(StateDamaged) as caught:
        repair_state(state)
    assert "dev.200.json" in (caught.value.hint or "")
    assert state.file.read_text("utf-8") == "{", "nothing is lost"


@pytest.mark.engine
def test_after_truncated_state_the_next_run_converges(bench: Bench) -> None:
    things = {"a": {"value": 1}, "b": {"value": 2}}
    bench.run("up", things)
    assert bench.stack.state_folder is not None
    file = bench.stack.state_folder.file
    file.write_bytes(file.read_bytes()[:300])
    up = bench.run("up", things)
    assert up.outcome == "succeeded"
    assert "its backup of" in bench.reported[0]
    assert bench.recorded == {"a", "b"}
    assert bench.pending == {}
    bench.run("destroy", things)
    assert bench.things.deployed == set()


@pytest.mark.engine
def test_a_half_written_sidecar_does_not_hide_the_state(bench: Bench) -> None:
    """An engine killed between two writes once left a state that no engine could read: "checkpoint: EOF"."""
    bench.run("up", {"a": {}})
    assert bench.stack.state_folder is not None
    file = bench.stack.state_folder.file
    assert list(bench.stack.state_folder.root.rglob("*.attrs")) == [], "our runs leave none"
    file.with_name(f"{file.name}.attrs").touch()
    file.with_name(f"{file.name}.1a2b.tmp").write_text("{", "utf-8")
    up = bench.run("up", {"a": {}})
    assert (up.outcome, bench.reported) == ("succeeded", [])
    assert sorted(path.name for path in file.parent.iterdir()) == ["dev.json", "dev.json.bak"]


@pytest.mark.engine
def test_a_deleted_work_folder_is_re_created(bench: Bench) -> None:
    def program() -> None:
        Thing("a", value=pulumi.Output.secret("hush"))

    bench.run("up", program)
    shutil.rmtree(bench.stack.home / "engine")
    assert bench.run("up", program).changes.keys() == {"same"}, "the secret in the state is still read"


@pytest.mark.engine
def test_a_different_key_is_reported(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def program() -> None:
        Thing("a", value=pulumi.Output.secret("hush"))

    bench.run("up", program)
    with monkeypatch.context() as other, pytest.raises(KeyLost, match="another key"):
        other.setenv("PULUMI_CONFIG_PASSPHRASE", "not the one")
        bench.run("up", program)
    bench.stack.key_file.rename(bench.stack.home / "saved.key")
    with pytest.raises(KeyLost, match="a key that is missing"):
        bench.run("up", program)
    passphrase = (bench.stack.home / "saved.key").read_text("ascii")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", passphrase)
    assert bench.run("up", program).changes.keys() == {"same"}
    assert not bench.stack.key_file.exists()


@pytest.mark.engine
def test_a_stack_that_cannot_be_created_reports_the_engines_message(bench: Bench) -> None:
    blocked = bench.stack.home / "state" / ".pulumi"
    blocked.parent.mkdir(parents=True)
    blocked.write_text("in the way", "utf-8")
    with pytest.raises(StackFailed) as caught:
        bench.stack.prepare(bench.engine)
    assert caught.value.exit_code == ExitCode.FAILED
    assert "Traceback" not in caught.value.message
    assert str(bench.stack.home) in caught.value.message


@pytest.mark.engine
def test_a_google_key_without_credentials_says_how_to_sign_in(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    key = "gcpkms://projects/acme-keys/locations/europe-west1/keyRings/mesh/cryptoKeys/state"
    with pytest.raises(StackFailed) as caught:
        replace(bench.stack, secrets_provider=key).prepare(bench.engine)
    assert "gcloud auth application-default login" in str(caught.value.hint)


@pytest.mark.engine
def test_only_their_user_can_read_state_and_key(bench: Bench) -> None:
    bench.run("up", {"a": {}})
    assert stat.S_IMODE(bench.stack.key_file.stat().st_mode) == 0o600
    assert os.access(bench.stack.key_file, os.R_OK)
