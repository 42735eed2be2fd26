"""A product whose code is a function: deployed, run, changed and removed on the emulated AWS."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from alchemesh_platform.clouds.aws.client import client_of
from tests.commands import run_command

if TYPE_CHECKING:
    from alchemesh_platform.clouds.aws.emulation.servers.services import MiniStack

pytestmark = [pytest.mark.engine, pytest.mark.slow]

ACCOUNT, REGION = "000000000000", "us-east-1"
FUNCTION = "prod--aviation--gates--code"
SCRATCH = f"{ACCOUNT}--prod--aviation--gates--scratch"
REPORTS = f"{ACCOUNT}--prod--aviation--gates--code"
PLATFORM = f"""\
kind: Platform
name: acme
environments:
  prod:
    state: s3://acme-nowhere?region={REGION}
    registry: postgresql://nowhere.acme.example/alchemesh
    settings:
      aws: {{account: "{ACCOUNT}", region: {REGION}}}
    components:
      python-job: lambda-function
      object-storage: s3-bucket
      secret: secrets-manager-secret
"""
MANIFEST = """\
kind: DataProduct
name: gates
domain: aviation
team: gates
owner: amelia@airport.example
version: 1.0.0
infrastructure:
  - {name: scratch, component: object-storage, args: {keep_on_destroy: false}}
  - {name: token, component: secret, args: {keep_on_destroy: false}}
code:
  component: python-job
  args:
    entrypoint: job.clean:main
    schedule: 15 6 1 1 *
    timeout: 1m
    requirements: requirements.txt
    env: {TOKEN: {secret: TOKEN}}
"""
# The code has boto3 of the runtime, and no dependency.
CODE = """\
import json, os, sys
import boto3
from botocore.exceptions import ClientError

def main():
    with open(os.environ["ALCHEMESH_CONNECTIONS"]) as file:
        url = json.load(file)["infrastructure"]["scratch"]["storage"]["url"]
    s3 = boto3.client("s3")
    s3.put_object(Bucket=url.removeprefix("s3://"), Key="out.txt", Body=b"hello")
    print("wrote for", sys.argv[1:], "with", os.environ["TOKEN"])
    try:
        s3.list_buckets()
    except ClientError as error:
        print("refused:", error.response["Error"]["Code"])
"""


@dataclass
class Repo:
    """The product's repo, and commands in it."""

    folder: Path
    services: MiniStack

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environ = {
            **os.environ,
            "ALCHEMESH_HOME": str(self.folder.parent / "home"),
            "ALCHEMESH_USER": "amelia@airport.example",
            "ALCHEMESH_PLATFORM": str(self.folder / "platform.yaml"),
        }
        at = arguments.index("--") if "--" in arguments else len(arguments)
        return run_command([*arguments[:at], "-e", "prod", "--emulate", *arguments[at:]], self.folder, environ)

    def done(self, *arguments: str) -> dict[str, Any]:
        at = arguments.index("--") if "--" in arguments else len(arguments)
        done = self.run(*arguments[:at], "--json", *arguments[at:])
        assert done.returncode == 0, done.stdout + done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    def client(self, service: str) -> Any:
        return client_of(service, self.services.place().variables(), region=REGION)

    def versions(self) -> list[str]:
        """The version that the alias leads to, and all versions."""
        functions = self.client("lambda")
        alias = functions.get_alias(FunctionName=FUNCTION, Name="live")["FunctionVersion"]
        return [
            alias,
            *(each["Version"] for each in functions.list_versions_by_function(FunctionName=FUNCTION)["Versions"]),
        ]


@pytest.fixture
def repo(tmp_path: Path, amazon: MiniStack) -> Repo:
    """A repo whose environment has the emulated AWS of all tests."""
    amazon.url()
    here = tmp_path / "home" / "emulated" / "prod"
    here.mkdir(parents=True)
    (here / "aws").symlink_to(amazon.folder, target_is_directory=True)
    folder = tmp_path / "repo"
    (folder / "job").mkdir(parents=True)
    (folder / "job" / "clean.py").write_text(CODE)
    (folder / "requirements.txt").write_text("")
    (folder / "alchemesh.yaml").write_text(MANIFEST)
    (folder / "platform.yaml").write_text(PLATFORM)
    return Repo(folder, amazon)


def test_a_function_from_its_first_deployment_to_its_removal(repo: Repo) -> None:
    assert repo.done("up", "--yes")["outcome"] == "succeeded"
    assert (
        repo.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{FUNCTION}")["logGroups"][0][
            "retentionInDays"
        ]
        == 30
    )
    assert repo.versions()[0] == "1"

    # A secret without a value is the reason of the failed run. With one, the run succeeds, within the role's rights.
    failed = repo.run("run")
    assert failed.returncode != 0
    assert "the secret prod--aviation--gates--token of the variable TOKEN has no value" in failed.stderr
    repo.client("secretsmanager").put_secret_value(SecretId="prod--aviation--gates--token", SecretString="s3cr3t-value")
    ran = repo.run("run", "--", "a", "b")
    assert ran.stdout.splitlines() == ["wrote for ['a', 'b'] with [secret]", "refused: AccessDenied"]
    assert repo.client("s3").get_object(Bucket=SCRATCH, Key="out.txt")["Body"].read() == b"hello"

    # The schedule invokes the alias. Its runs are in the history too.
    schedule = repo.client("scheduler").get_schedule(Name=FUNCTION)
    assert schedule["ScheduleExpression"] == "cron(15 6 1 1 ? *)"
    target = schedule["Target"]
    assert target["Arn"].endswith(f":function:{FUNCTION}:live")
    repo.client("lambda").invoke(FunctionName=target["Arn"], Payload=target["Input"].encode())
    runs = repo.done("runs", "list")["runs"]
    assert [(run["trigger"], run["outcome"], run["actor"]) for run in runs] == [
        ("schedule", "succeeded", "product:aviation/gates"),
        ("manual", "succeeded", "amelia@airport.example"),
        ("manual", "failed", "amelia@airport.example"),
    ]

    # The same sources change nothing. A package that cannot be built leaves the version before running.
    (repo.folder / "job" / "clean.py").touch()
    assert repo.done("preview")["changes"].keys() == {"same"}
    (repo.folder / "requirements.txt").write_text(f"no-such-package==1 --hash=sha256:{'0' * 64}\n")
    broken = repo.run("up", "--yes")
    assert broken.returncode != 0
    assert "alchemesh.yaml:11:14" in broken.stdout + broken.stderr
    assert "no-such-package" in broken.stdout + broken.stderr
    assert repo.run("run").stdout.splitlines()[0] == "wrote for [] with [secret]"

    # A change of the code publishes a version and leads the alias there.
    (repo.folder / "requirements.txt").write_text("")
    (repo.folder / "job" / "clean.py").write_text("def main():\n    print('second')\n")
    repo.done("up", "--yes")
    assert repo.versions() == ["2", "$LATEST", "2"]
    assert repo.run("run").stdout.splitlines() == ["second"]

    repo.done("destroy", "--yes", "--delete-data")
    assert repo.client("lambda").list_functions()["Functions"] == []
    assert REPORTS not in [each["Name"] for each in repo.client("s3").list_buckets()["Buckets"]]
