"""The shared stacks of a platform and of a domain on an emulated AWS, and a product that refers to them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.builtin import ROOT
from tests.clouds.aws.functions.test_function_story import ACCOUNT, REGION, Repo
from tests.clouds.aws.test_a_product_on_aws import Keys, refused

if TYPE_CHECKING:
    from alchemesh_platform.clouds.aws.emulation.servers.services import MiniStack

pytestmark = [pytest.mark.engine, pytest.mark.slow]

PLATFORM = f"""\
kind: Platform
name: acme
environments:
  prod:
    state: s3://acme-founded-state?region={REGION}
    registry: postgresql://registry.acme.example/alchemesh
    settings:
      aws:
        account: "{ACCOUNT}"
        region: {REGION}
        name_prefix: founded
        budget: {{monthly: {{aviation: 800}}}}
    components:
      platform-foundation: aws-platform
      domain-foundation: aws-domain
      object-storage: s3-bucket
      service-identity: service-role
"""
MANIFEST = """\
kind: DataProduct
name: gates
domain: aviation
team: flight-data
owner: amelia@airport.example
version: 1.2.0
infrastructure:
  - {name: workspace, component: object-storage}
  - {name: worker, component: service-identity}
"""
DEPLOYER = f"arn:aws:iam::{ACCOUNT}:role/founded--prod--mesh.deployer--aviation"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/founded--prod--mesh.boundary--aviation"
WORKSPACE, WORKER = "founded--prod--aviation--gates--workspace", "founded--prod--aviation--gates--worker"
STATE = "acme-founded-state"
OTHER = "founded--prod--retail--orders--files"  # a bucket of another domain


def policy(action: str, **more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, **more}]})


EVERYTHING = {"PolicyName": "everything", "PolicyDocument": policy("*", Resource="*")}


@pytest.fixture
def repo(tmp_path: Path, amazon: MiniStack) -> Repo:
    amazon.url()
    here = tmp_path / "home" / "emulated" / "prod"
    here.mkdir(parents=True)
    (here / "aws").symlink_to(amazon.folder, target_is_directory=True)
    folder = tmp_path / "gates"
    folder.mkdir()
    (folder / "alchemesh.yaml").write_text(MANIFEST)
    (folder / "platform.yaml").write_text(PLATFORM)
    shutil.copytree(ROOT / "examples" / "mesh", tmp_path / "mesh")
    return Repo(folder, amazon)


def person(repo: Repo, email: str) -> Keys:
    """A person with an access key, who exists before the stacks."""
    root = Keys(repo.services.url(), "test", "test")
    root.client("iam").create_user(UserName=email)
    key = root.client("iam").create_access_key(UserName=email)["AccessKey"]
    return Keys(root.url, key["AccessKeyId"], key["SecretAccessKey"])


def acting(keys: Keys, role: str) -> Keys:
    given = keys.client("sts").assume_role(RoleArn=role, RoleSessionName="here")["Credentials"]
    return Keys(keys.url, given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def test_a_product_has_the_limits_of_its_domain_and_a_domain_deploys_no_other_products(repo: Repo) -> None:
    owner = person(repo, "amelia@airport.example")
    for member in ("wilbur@airport.example",):
        person(repo, member)
    before = repo.run("up", "--yes")
    assert "the stack of domain aviation is not deployed in prod, and s3-bucket refers to its outputs" in before.stderr
    assert "hint: `alchemesh domain up aviation -e prod --emulate`" in before.stderr

    deployed(repo)
    root = Keys(owner.url, "test", "test")
    root.client("s3").create_bucket(Bucket=OTHER)
    of_the_deployer(acting(owner, DEPLOYER), root)
    of_a_product(root)

    # MiniStack has no condition about the limit, so what the role may do with it is an assertion of the case file.

    # A bucket that stays keeps its policy, and comes back with it.
    refusal = repo.run("domain", "destroy", "aviation", "--yes")
    assert "is used by product aviation/gates" in refusal.stderr
    gone = repo.done("destroy", "--yes")
    assert gone["outcome"] == "succeeded"
    assert repo.done("up", "--yes")["outcome"] == "succeeded"
    assert repo.done("preview")["changes"].keys() == {"same"}


def deployed(repo: Repo) -> None:
    """Deploy the platform, the domain and the product."""
    platform = repo.done("platform", "up", "--yes")
    assert {change["name"] for change in platform["changes"]} == {
        *("platform-products", "platform-record", "platform-registry", "platform-state", "platform-state-tls"),
    }
    assert platform["outputs"]["state_bucket"] == STATE
    assert (
        platform["outputs"]["image_repository"] == f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/founded--prod--products"
    )
    assert repo.done("platform", "up", "--yes")["changes"] == []
    versions = repo.client("s3").get_bucket_versioning(Bucket=STATE)
    assert versions["Status"] == "Enabled"
    [images] = repo.client("ecr").describe_repositories()["repositories"]
    assert images["imageTagMutability"] == "IMMUTABLE"

    assert repo.run("mesh", "apply", "../mesh", "--yes").returncode == 0
    domain = repo.done("domain", "up", "aviation", "--yes")
    assert domain["outputs"] == {
        "deployer": DEPLOYER,
        "boundary": BOUNDARY,
        "tags": {"budget": "founded--prod--aviation"},
    }
    assert repo.done("domain", "up", "aviation", "--yes")["changes"] == []
    made = repo.done("up", "--yes")
    assert made["outcome"] == "succeeded"
    tags = repo.client("s3").get_bucket_tagging(Bucket=WORKSPACE)["TagSet"]
    assert {"Key": "budget", "Value": "founded--prod--aviation"} in tags


def of_the_deployer(deployer: Keys, root: Keys) -> None:
    """The domain's role deploys what is the domain's own, and gives nobody more than the limit of a domain."""
    s3, iam = deployer.client("s3"), deployer.client("iam")
    assert not refused(s3.put_object, Bucket=WORKSPACE, Key="y", Body=b"y")
    assert refused(s3.list_objects_v2, Bucket=OTHER)
    state = ".pulumi/stacks/{}/prod.json"
    assert not refused(s3.put_object, Bucket=STATE, Key=state.format("aviation.gates"), Body=b"{}")
    assert not refused(s3.put_object, Bucket=STATE, Key=".pulumi/locks/organization/aviation.gates/prod/1", Body=b"{}")
    assert refused(s3.put_object, Bucket=STATE, Key=state.format("retail.orders"), Body=b"{}")
    assert refused(s3.get_object, Bucket=STATE, Key=state.format("retail.orders"))
    trust = root.client("iam").get_role(RoleName=WORKER)["Role"]
    assert trust["PermissionsBoundary"]["PermissionsBoundaryArn"] == BOUNDARY
    assert refused(iam.put_role_policy, RoleName=DEPLOYER.rpartition("/")[2], **EVERYTHING), "it gives itself nothing"
    assert refused(iam.put_user_policy, UserName="amelia@airport.example", **EVERYTHING)
    own = {"AssumeRolePolicyDocument": json.dumps(trust["AssumeRolePolicyDocument"])}
    assert refused(iam.create_role, RoleName="founded--prod--aviation--gates--x", **own), "a role without the limit"


def of_a_product(root: Keys) -> None:
    """Whatever a role of the domain is given, it writes nothing of another domain and deploys nothing."""
    iam = root.client("iam")
    iam.put_role_policy(RoleName=WORKER, **EVERYTHING)
    account = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    iam.update_assume_role_policy(RoleName=WORKER, PolicyDocument=policy("sts:AssumeRole", Principal=account))
    worker = acting(root, f"arn:aws:iam::{ACCOUNT}:role/{WORKER}")
    assert not refused(worker.client("s3").put_object, Bucket=WORKSPACE, Key="x", Body=b"x")
    assert refused(worker.client("s3").put_object, Bucket=OTHER, Key="x", Body=b"x")
    assert refused(worker.client("iam").list_roles)
    assert refused(worker.client("sts").assume_role, RoleArn=DEPLOYER, RoleSessionName="there")
