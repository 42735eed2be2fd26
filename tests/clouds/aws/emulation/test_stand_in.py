"""The stand-in of Pulumi's provider `aws-native`: each resource is a stack of one in MiniStack's CloudFormation."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.clouds.aws.emulation.kind import KEPT
from alchemesh_platform.clouds.aws.emulation.schema import sdk_name
from alchemesh_platform.machine.servers.processes import status
from alchemesh_platform.provider.values import UNKNOWN, Secret

from .harness import ASSUMED_BY_LAMBDA, Cloud

QUEUE, BUCKET, ROLE = "aws-native:sqs:Queue", "aws-native:s3:Bucket", "aws-native:iam:Role"
POLICY = "aws-native:iam:RolePolicy"


@pytest.mark.parametrize(
    ("cloud_formation", "pulumi"),
    [
        ("RoleName", "roleName"),
        ("KMSMasterKeyID", "kmsMasterKeyId"),
        ("SSEAlgorithm", "sseAlgorithm"),
        ("S3Bucket", "s3Bucket"),
        ("TargetARNs", "targetArns"),
        ("ACL", "acl"),
        ("IPv6", "iPv6"),
    ],
)
def test_names_are_those_of_the_real_provider(cloud_formation: str, pulumi: str) -> None:
    assert sdk_name(cloud_formation) == pulumi


def test_a_resource_is_created_updated_and_deleted_in_its_service(cloud: Cloud) -> None:
    made = cloud.create(QUEUE, "q", queueName="orders", visibilityTimeout=30)
    sqs = cloud.client("sqs")
    url = sqs.get_queue_url(QueueName="orders")["QueueUrl"]
    assert made.identity == made.state["queueUrl"] == url
    assert made.state["arn"] == "arn:aws:sqs:us-east-1:000000000000:orders"
    changed = cloud.update(made, queueName="orders", visibilityTimeout=40)
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["VisibilityTimeout"] == "40"
    cloud.delete(changed)
    assert sqs.list_queues(QueueNamePrefix="orders").get("QueueUrls", []) == []
    cloud.delete(changed)  # a deletion that a kill interrupted is repeated


def test_names_inside_of_objects_are_translated_and_keys_of_maps_are_not(cloud: Cloud) -> None:
    default = {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "alias/mesh"}
    rules = [{"serverSideEncryptionByDefault": default}]
    inputs = {"bucketEncryption": {"serverSideEncryptionConfiguration": rules}}
    schema = cloud.provider.schemas.of(BUCKET)
    properties = schema.to_cloud(inputs)
    translated = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/mesh"}
    assert properties == {
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": translated}]}
    }
    assert schema.to_sdk(properties) == inputs
    function = cloud.provider.schemas.of("aws-native:lambda:Function")
    environment = {"environment": {"variables": {"someVariable": "x"}}}
    assert function.to_cloud(environment) == {"Environment": {"Variables": {"someVariable": "x"}}}


def test_a_preview_changes_nothing_and_leaves_outputs_unknown(cloud: Cloud) -> None:
    planned = cloud.preview(QUEUE, "q", queueName="only-planned")
    assert planned == {"queueName": "only-planned", "arn": UNKNOWN, "queueUrl": UNKNOWN}
    assert cloud.client("sqs").list_queues(QueueNamePrefix="only-planned").get("QueueUrls", []) == []


def test_inputs_are_checked_by_the_schema_of_the_type(cloud: Cloud) -> None:
    assert cloud.refusals(QUEUE, {"queuename": "q"}) == [("queuename", "unknown property")]
    assert cloud.refusals(QUEUE, {"visibilityTimeout": 50_000}) == [
        ("visibilityTimeout", "50000 is greater than the maximum of 43200")
    ]
    assert cloud.refusals(ROLE, {"roleName": "r"}) == [("", "assumeRolePolicyDocument is required")]
    assert [path for path, _reason in cloud.refusals(BUCKET, {"bucketName": "UPPER_"})] == ["bucketName"]
    assert cloud.refusals(QUEUE, {"queueName": UNKNOWN, "visibilityTimeout": UNKNOWN}) == []


def test_a_name_that_another_resource_has_is_refused(cloud: Cloud) -> None:
    cloud.create(QUEUE, "mine", queueName="taken")
    with pytest.raises(Failure) as refused:
        cloud.create(QUEUE, "theirs", queueName="taken")
    url = cloud.client("sqs").get_queue_url(QueueName="taken")["QueueUrl"]
    assert refused.value.message == (
        f"operation CREATE failed with \"AlreadyExists\": Resource of type 'AWS::SQS::Queue' with identifier '{url}' "
        "already exists."
    )


def test_an_error_of_the_service_is_the_reason(cloud: Cloud) -> None:
    with pytest.raises(Failure) as refused:
        cloud.create(
            "aws-native:glue:Table", "t", catalogId="000000000000", databaseName="absent", tableInput={"name": "t"}
        )
    assert 'operation CREATE failed with "GeneralServiceException": ' in refused.value.message
    assert "Database absent not found." in refused.value.message


def test_only_a_change_of_a_fixed_property_replaces(cloud: Cloud) -> None:
    made = cloud.create(QUEUE, "q", queueName="fixed", visibilityTimeout=30)
    assert cloud.diff(made, queueName="fixed", visibilityTimeout=30).changes is False
    changed = cloud.diff(made, queueName="fixed", visibilityTimeout=31)
    assert (dict(changed.kinds), changed.replaces) == ({"visibilityTimeout": "update"}, frozenset())
    renamed = cloud.diff(made, queueName="other", visibilityTimeout=30)
    assert (renamed.replaces, renamed.delete_before_replace) == (frozenset({"queueName"}), False)
    same_name = cloud.diff(made, queueName="fixed", visibilityTimeout=30, fifoQueue=True)
    assert (same_name.replaces, same_name.delete_before_replace) == (frozenset({"fifoQueue"}), True)


def test_a_missing_name_is_generated_once(cloud: Cloud) -> None:
    made = cloud.create(BUCKET, "flights")
    assert made.identity.startswith("flights-")
    assert cloud.diff(made).changes is False


def test_drift_and_removal_by_hand_are_read(cloud: Cloud) -> None:
    made = cloud.create(QUEUE, "q", queueName="drifting", visibilityTimeout=30)
    sqs = cloud.client("sqs")
    url = made.identity
    assert cloud.read(made) == made
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "7"})
    found = cloud.read(made)
    assert found is not None
    assert found.inputs == {"queueName": "drifting", "visibilityTimeout": 7}
    sqs.delete_queue(QueueUrl=url)
    assert cloud.read(made) is None
    assert cloud.create(QUEUE, "q", queueName="drifting").identity == url  # the engine creates what a refresh dropped


def test_a_resource_is_imported_by_its_id(cloud: Cloud) -> None:
    made = cloud.create(BUCKET, "b", bucketName="acme-imported", tags=[{"key": "owner", "value": "aviation"}])
    found = cloud.read(made, imported=True)
    assert found is not None
    assert (found.identity, found.inputs) == (made.identity, made.inputs)


def test_an_interrupted_creation_is_finished_by_the_next(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def killed(*_arguments: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(type(cloud.provider.stacks()), "_finish", killed)
        with pytest.raises(Killed):
            cloud.create(QUEUE, "q", queueName="resumed")
    assert cloud.client("sqs").get_queue_url(QueueName="resumed")["QueueUrl"]
    assert cloud.create(QUEUE, "q", queueName="resumed").state["arn"].endswith(":resumed")


def test_an_inline_policy_gives_its_role_just_its_rights(cloud: Cloud) -> None:
    """MiniStack checks signatures and policies: refused without a policy, allowed with one, refused beyond it."""
    import boto3
    from botocore.exceptions import ClientError

    role = cloud.create(ROLE, "r", roleName="reader", assumeRolePolicyDocument=_assumed_by_account())
    cloud.create(BUCKET, "b1", bucketName="acme-granted")
    cloud.create(BUCKET, "b2", bucketName="acme-other")
    token = cloud.client("sts").assume_role(RoleArn=role.state["arn"], RoleSessionName="test")["Credentials"]
    reader = boto3.session.Session(
        token["AccessKeyId"], token["SecretAccessKey"], token["SessionToken"], region_name="us-east-1"
    ).client("s3", endpoint_url=cloud.services.url())
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.list_objects_v2(Bucket="acme-granted")
    statement = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::acme-granted"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    policy = cloud.create(POLICY, "p", roleName="reader", policyName="read", policyDocument=document)
    assert policy.identity == "read|reader"
    assert reader.list_objects_v2(Bucket="acme-granted")["KeyCount"] == 0
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.list_objects_v2(Bucket="acme-other")
    cloud.delete(policy)
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.list_objects_v2(Bucket="acme-granted")


def test_types_without_a_service_are_kept_with_their_properties(cloud: Cloud) -> None:
    token = "aws-native:lakeformation:PrincipalPermissions"
    made = cloud.create(
        token,
        "grant",
        principal={"dataLakePrincipalIdentifier": "arn:aws:iam::000000000000:role/reader"},
        resource={"database": {"catalogId": "000000000000", "name": "flights"}},
        permissions=["DESCRIBE"],
        permissionsWithGrantOption=[],
    )
    assert "AWS::LakeFormation::PrincipalPermissions" in KEPT
    assert cloud.read(made) == made
    stored = cloud.provider.stacks().find(str(made.state["__stack"]))
    assert stored is not None
    assert stored.declared["Permissions"] == ["DESCRIBE"]
    cloud.delete(made)
    assert cloud.read(made) is None


def test_a_type_that_cloudformation_does_not_have_is_refused(cloud: Cloud) -> None:
    with pytest.raises(Failure) as refused:
        cloud.create("aws-native:sqs:Pipe", "p")
    assert refused.value.message == "aws-native:sqs:Pipe is no resource type of CloudFormation"


def test_a_secret_stays_marked_in_the_state(cloud: Cloud) -> None:
    made = cloud.create("aws-native:secretsmanager:Secret", "s", name="token", secretString=Secret("x1"))
    assert made.state["secretString"] == Secret("x1")
    assert cloud.client("secretsmanager").get_secret_value(SecretId=made.identity)["SecretString"] == "x1"


def test_resources_survive_a_kill_of_the_server(cloud: Cloud) -> None:
    """MiniStack by itself writes its state only when it is asked to end."""
    import signal

    import psutil

    from tests.waiting import gone, until

    made = cloud.create(QUEUE, "q", queueName="survivor")
    state = cloud.services.folder / "state" / "sqs.json"
    until(lambda: state.is_file() and "survivor" in state.read_text(), what="MiniStack's state on disk")
    found = status(cloud.services.folder / "run", "ministack")
    assert found.pid is not None
    psutil.Process(found.pid).send_signal(signal.SIGKILL)
    until(lambda: gone(found.pid or 0), what="MiniStack is dead")
    fresh = type(cloud.services)(cloud.services.folder)
    fresh.resume()
    assert cloud.read(made) == made
    assert json.loads((cloud.services.folder / "ministack.json").read_text())["port"] == fresh.place().port


def test_the_server_of_another_environment_leaves_this_one_running(cloud: Cloud, tmp_path: Path) -> None:
    cloud.services.url()
    before = status(cloud.services.folder / "run", "ministack")
    assert before.pid is not None
    other = type(cloud.services)(tmp_path / "aws")
    try:
        other.url()
        after = status(cloud.services.folder / "run", "ministack")
    finally:
        other.stop()
    assert before.pid == after.pid


def test_the_server_listens_on_loopback_only(cloud: Cloud) -> None:
    import psutil

    cloud.services.url()
    found = status(cloud.services.folder / "run", "ministack")
    assert found.pid is not None
    open_ = [each for each in psutil.Process(found.pid).net_connections("inet") if each.status == psutil.CONN_LISTEN]
    assert [(each.laddr.ip, each.laddr.port) for each in open_] == [("127.0.0.1", cloud.services.place().port)]
    assert socket.gethostbyname("localhost") == "127.0.0.1"


def _assumed_by_account() -> dict[str, object]:
    statement = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}
    return {**ASSUMED_BY_LAMBDA, "Statement": [statement]}
