"""Jobs that run as real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from base64 import b64encode
from pathlib import Path
from types import SimpleNamespace

import pytest

from alchemesh_platform.base.secrets import SecretMissing, SecretRef
from alchemesh_platform.connections import Connections, DataApiConnection, FilesConnection, PortConnections
from alchemesh_platform.sdk.code.description import JobDescription, JobFailed, read_job
from alchemesh_platform.systems.local.jobs import job as job_module
from alchemesh_platform.systems.local.jobs.job import (
    KEPT_CHARACTERS,
    job_file,
    run_job,
    write_job,
)
from tests.waiting import gone, until

HERE = Connections(
    product="aviation/flights",
    environment="local",
    inputs={"departures": PortConnections(storage=FilesConnection(url="file:///data/departures"))},
)


def job(folder: Path, code: str, entrypoint: str = "main_job.py", **others: object) -> JobDescription:
    (folder / "main_job.py").write_text(code)
    return JobDescription.model_validate(
        {
            "owner": "aviation/flights/code",
            "python": sys.executable,
            "working_directory": str(folder),
            "entrypoint": entrypoint,
            **others,
        }
    )


def test_a_function_gets_its_connections_and_arguments(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom alchemesh_platform.connections import connections\n"
        "def main():\n    print(connections().input('departures').files.url, sys.argv[1:])\n"
    )
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("")
    described = job(tmp_path, "", "shop.clean:main")
    (tmp_path / "shop" / "clean.py").write_text(code)
    lines: list[str] = []
    done = run_job(described, HERE, ("--fast",), lines.append)
    assert (done.exit_status, done.output) == (0, "file:///data/departures ['--fast']\n")
    assert lines == ["file:///data/departures ['--fast']"]


def test_connections_are_variables_too_and_their_file_is_gone_afterwards(tmp_path: Path) -> None:
    code = "import os\nprint(os.environ['ALCHEMESH_INPUT_DEPARTURES_URL'], os.environ['ALCHEMESH_CONNECTIONS'])\n"
    url, path = run_job(job(tmp_path, code), HERE).output.split()
    assert url == "file:///data/departures"
    assert not Path(path).exists()


@pytest.mark.parametrize(
    ("code", "status"),
    [("", 0), ("raise SystemExit(7)", 7), ("1/0", 1), ("import os, signal; os.kill(os.getpid(), 9)", -9)],
)
def test_the_exit_status_is_the_jobs_own(tmp_path: Path, code: str, status: int) -> None:
    assert run_job(job(tmp_path, code), HERE).exit_status == status


def test_the_return_value_of_a_function_is_its_exit_status(tmp_path: Path) -> None:
    assert run_job(job(tmp_path, "def main():\n    return 3\n", "main_job:main"), HERE).exit_status == 3


def test_errors_of_the_code_are_part_of_its_output(tmp_path: Path) -> None:
    assert "ZeroDivisionError" in run_job(job(tmp_path, "print('begun')\n1/0"), HERE).output


def test_output_comes_line_by_line_while_it_runs(tmp_path: Path) -> None:
    code = "import time\nprint('first')\ntime.sleep(600)\n"
    seen, stop = threading.Event(), threading.Event()

    def on_output(line: str) -> None:
        if line == "first":
            seen.set()
            stop.set()

    done = run_job(job(tmp_path, code), HERE, on_output=on_output, cancelled=stop)
    assert seen.is_set()
    assert done.interrupted
    assert done.seconds < 300


def test_secrets_are_resolved_at_run_time_and_masked_in_the_output(tmp_path: Path) -> None:
    code = "import os\nprint('token', os.environ['TOKEN'], os.environ['PLAIN'])\nprint(os.environ['KEY'])\n"
    described = job(
        tmp_path, code, env={"TOKEN": {"secret": "API_TOKEN"}, "KEY": {"secret": "PRIVATE_KEY"}, "PLAIN": "blue"}
    )
    lines: list[str] = []
    environ = {**os.environ, "API_TOKEN": "hunter2-hunter2", "PRIVATE_KEY": "-----BEGIN-----\nabcdefgh\n"}
    done = run_job(described, HERE, on_output=lines.append, environ=environ)
    assert lines == ["token [secret] blue", "[secret]", "[secret]", ""]
    assert "hunter2" not in done.output
    assert "abcdefgh" not in done.output
    with pytest.raises(SecretMissing, match="API_TOKEN"):
        run_job(described, HERE, environ={})


def test_a_job_gets_a_minimal_environment_and_what_its_product_names(tmp_path: Path) -> None:
    """Code once got every variable of the deployer: cloud keys, tokens, the passphrase of the state."""
    code = "import json, os\nprint(json.dumps(dict(os.environ)))"
    topic = {"kind": "topic", "broker": "kafka", "topics": {}, "security": {"password": {"secret": "KAFKA_PASSWORD"}}}
    here = Connections.model_validate(
        {"product": "aviation/flights", "environment": "local", "outputs": {"events": {"storage": topic}}}
    )
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
        "API_TOKEN": "hunter2-hunter2",
        "KAFKA_PASSWORD": "open-sesame",
        "PULUMI_CONFIG_PASSPHRASE": "of-the-state",
        "AWS_SECRET_ACCESS_KEY": "of-the-deployer",
        "SSH_AUTH_SOCK": "/run/agent",
        "PYTHONPATH": "/of/the/deployer",
    }
    described = job(tmp_path, code, env={"TOKEN": {"secret": "API_TOKEN"}, "PLAIN": "blue"})
    done = run_job(described, here, environ=environ, variables={"STORAGE_EMULATOR_HOST": "localhost:9000"})
    found = json.loads(done.output)
    given = {name: value for name, value in found.items() if not name.startswith("ALCHEMESH_")}
    given.pop("LC_CTYPE", None)  # Python sets it
    assert given == {
        "PATH": environ["PATH"],
        "HOME": environ["HOME"],
        "LC_ALL": "C.UTF-8",
        "TOKEN": "[secret]",
        "PLAIN": "blue",
        "KAFKA_PASSWORD": "[secret]",
        "STORAGE_EMULATOR_HOST": "localhost:9000",
        "PYTHONUNBUFFERED": "1",
    }


def test_secrets_that_a_job_reads_elsewhere_are_masked(tmp_path: Path) -> None:
    """The password of a credential file, and variables of the deployer that code finds in another way."""
    file = tmp_path / "own.json"
    file.write_text(json.dumps({"user": "owner", "password": "of-the-data-api"}))
    api = DataApiConnection(rest="http://127.0.0.1:1/api", credential_file=str(file))
    here = Connections(product="a/b", environment="local", outputs={"sales": PortConnections(proxy=api)})
    code = (
        "from alchemesh_platform.connections import connections\n"
        "api = connections().output('sales').data_api\n"
        "print(api.credential.password, api.headers(), 'of-the-state')\n"
    )
    environ = {**os.environ, "PULUMI_CONFIG_PASSPHRASE": "of-the-state"}
    output = run_job(job(tmp_path, code), here, environ=environ).output
    header = b64encode(b"owner:of-the-data-api").decode()
    assert output == f"[secret] {{'Authorization': 'Basic {header[:8]}[secret]'}} [secret]\n"


def test_a_secret_on_the_border_of_two_pieces_of_a_long_line_is_masked(tmp_path: Path) -> None:
    """A line is read in pieces. A secret on the border of two pieces was once printed and kept."""
    code = "import os, sys\nsys.stdout.write('x' * (64 * 1024 - 7) + os.environ['TOKEN'] + 'y' * 100)\n"
    lines: list[str] = []
    described = job(tmp_path, code, env={"TOKEN": {"secret": "API_TOKEN"}})
    done = run_job(described, HERE, on_output=lines.append, environ={**os.environ, "API_TOKEN": "hunter2-hunter2"})
    assert "".join(lines) == "x" * (64 * 1024 - 7) + "[secret]" + "y" * 100
    assert "hunter2" not in done.output


def test_long_output_keeps_its_end(tmp_path: Path) -> None:
    code = "for number in range(20000):\n    print(f'line {number:08}')\n"
    lines: list[str] = []
    done = run_job(job(tmp_path, code), HERE, on_output=lines.append)
    assert len(lines) == 20_000
    assert len(done.output) <= KEPT_CHARACTERS + 100
    assert done.output.startswith("[…]\nline ")
    assert done.output.endswith("line 00019999\n")


def test_a_job_continues_when_its_output_is_no_longer_read(tmp_path: Path) -> None:
    def broken_pipe(line: str) -> None:
        raise BrokenPipeError

    done = run_job(job(tmp_path, "for number in range(9999):\n    print('x' * 50)"), HERE, on_output=broken_pipe)
    assert done.exit_status == 0


def test_an_error_of_the_output_callback_is_raised_after_the_job(tmp_path: Path) -> None:
    def mistaken(line: str) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_job(job(tmp_path, "for number in range(9999):\n    print('x' * 50)"), HERE, on_output=mistaken)


def test_a_job_beyond_its_time_limit_is_stopped_with_its_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its time limit passes after it has printed its child processes, even on a slow machine."""
    said = threading.Event()
    late = SimpleNamespace(monotonic=lambda: time.monotonic() + (3600 if said.is_set() else 0))
    monkeypatch.setattr(job_module, "time", late)
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\ntime.sleep(600)\n"
    )
    done = run_job(job(tmp_path, code, timeout_seconds=600.0), HERE, on_output=lambda _line: said.set())
    assert done.timed_out
    assert done.exit_status == -signal.SIGTERM
    until(lambda: gone(int(done.output)), "what it started is ended")


def test_a_background_process_of_a_job_does_not_delay_its_end(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys\n"
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid, flush=True)\n"
    )
    started = time.monotonic()
    done = run_job(job(tmp_path, code), HERE)
    assert time.monotonic() - started < 300
    assert done.exit_status == 0
    until(lambda: gone(int(done.output)), "what it started is ended")


def test_an_interrupt_is_forwarded_to_the_job(tmp_path: Path) -> None:
    job(
        tmp_path,
        "import signal, sys, time\n"
        "def leave(*_):\n    print('tidied up', flush=True)\n    sys.exit(5)\n"
        "signal.signal(signal.SIGINT, leave)\nprint('ready', flush=True)\ntime.sleep(600)\n",
    )
    script = (
        # The children of a shell that runs the tests in the background ignore the signal.
        "import signal, sys\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from alchemesh_platform.connections import Connections\n"
        "from alchemesh_platform.systems.local.jobs.job import JobDescription, run_job\n"
        "folder = sys.argv[1]\n"
        "job = JobDescription(owner='a', python=sys.executable, working_directory=folder, entrypoint='main_job.py')\n"
        "here = Connections(product='a/b', environment='local')\n"
        "done = run_job(job, here, on_output=lambda line: print(line, flush=True))\n"
        "print(done.exit_status, done.interrupted, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdout is not None
        assert runner.stdout.readline() == "ready\n"
        runner.send_signal(signal.SIGINT)
        assert runner.stdout.read() == "tidied up\n5 True\n"


def test_a_missing_interpreter_is_a_clear_error(tmp_path: Path) -> None:
    described = job(tmp_path, "").model_copy(update={"python": "/nowhere/python"})
    with pytest.raises(JobFailed, match="cannot start /nowhere/python: No such file"):
        run_job(described, HERE)


def test_a_description_is_kept_without_secrets_and_read_back(tmp_path: Path) -> None:
    described = job(tmp_path, "", env={"TOKEN": {"secret": "API_TOKEN"}}, schedule="0 * * * *", timeout_seconds=60.0)
    path = write_job(tmp_path / "run", described)
    assert path == job_file(tmp_path / "run")
    assert json.loads(path.read_text())["env"] == {"TOKEN": {"secret": "API_TOKEN"}}
    assert read_job(path) == described
    assert read_job(path).env["TOKEN"] == SecretRef(secret="API_TOKEN")


def test_a_missing_or_damaged_description_names_the_command_that_writes_it(tmp_path: Path) -> None:
    with pytest.raises(JobFailed, match="there is no job description") as missing:
        read_job(tmp_path / "job.json")
    (tmp_path / "job.json").write_text("{")
    with pytest.raises(JobFailed, match="cannot read the job description"):
        read_job(tmp_path / "job.json")
    assert missing.value.hint == "`alchemesh up` writes it"
