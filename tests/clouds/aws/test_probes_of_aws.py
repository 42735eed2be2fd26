"""Probes, measurements and hints of AWS. S3 and Kinesis are those of moto, Athena is a stub of Amazon's client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import Stubber
from moto import mock_aws

from alchemesh_platform.clouds.aws import probes
from alchemesh_platform.clouds.aws.errors import ERRORS, without_request
from alchemesh_platform.clouds.aws.probes import ATHENA, BUCKETS, STREAMS, TABLES
from alchemesh_platform.clouds.aws.quality import S3Tables, measure
from alchemesh_platform.connections import Connections
from alchemesh_platform.manifest.models import Property
from alchemesh_platform.quality.tables import Limits, MeasuredPort, NotMeasurable
from alchemesh_platform.sdk.probes.probe import NoAnswer, NotProbed, ProbedPort

REGION = "eu-central-1"
ENVIRON = {"AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
TOPIC = SimpleNamespace(topics={"sale": "prod--shop--sale"})
SQL = SimpleNamespace(tables=("sale",), sql=f"athena://{REGION}/prod__shop?workgroup=prod--shop")


@pytest.fixture
def amazon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield


def client(name: str) -> Any:
    return boto3.client(name, region_name=REGION)  # type: ignore[call-overload]


def port(connection: Any, environ: Mapping[str, str] = ENVIRON) -> ProbedPort:
    return ProbedPort(address="shop/sales/out", connection=connection, models=("sale",), environ=environ)


@pytest.mark.parametrize(
    ("asked", "connection"),
    [
        (BUCKETS, SimpleNamespace(url="s3://sales")),
        (TABLES, SimpleNamespace(tables={"sale": "s3://sales/sale"})),
    ],
    ids=["bucket", "tables"],
)
def test_a_bucket_answers_when_its_objects_can_be_listed(amazon: None, asked: Any, connection: Any) -> None:
    assert asked.protocols(connection) == ("files",)
    ask = asked.question(port(connection), "files")
    with pytest.raises(NoAnswer, match="the port: The specified bucket does not exist"):
        ask(1.0)
    client("s3").create_bucket(Bucket="sales", CreateBucketConfiguration={"LocationConstraint": REGION})
    ask(1.0)


def test_a_stream_answers_when_it_is_active(amazon: None) -> None:
    ask = STREAMS.question(port(TOPIC), "kinesis")
    with pytest.raises(NoAnswer, match="Stream prod--shop--sale"):
        ask(1.0)
    client("kinesis").create_stream(StreamName="prod--shop--sale", ShardCount=1)
    ask(1.0)


def test_a_stream_that_is_being_deleted_gives_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    summary = {"StreamDescriptionSummary": {"StreamStatus": "DELETING"}}
    stream = SimpleNamespace(describe_stream_summary=lambda **_: summary)
    monkeypatch.setattr(probes, "service_of", lambda *_: stream)
    with pytest.raises(NoAnswer, match="stream prod--shop--sale is deleting"):
        STREAMS.question(port(TOPIC), "kinesis")(1.0)


def athena(monkeypatch: pytest.MonkeyPatch, *states: Mapping[str, str]) -> Stubber:
    """Athena, which answers a query of one row with some states, one after the other."""
    service = boto3.client("athena", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")
    stub = Stubber(service)
    asked = {
        "QueryString": 'SELECT 1 FROM "prod__shop"."sale" LIMIT 1',
        "QueryExecutionContext": {"Database": "prod__shop"},
        "WorkGroup": "prod--shop",
    }
    stub.add_response("start_query_execution", {"QueryExecutionId": "q1"}, asked)
    for state in states:
        stub.add_response(
            "get_query_execution", {"QueryExecution": {"Status": dict(state)}}, {"QueryExecutionId": "q1"}
        )
    stub.activate()
    monkeypatch.setattr(probes, "service_of", lambda *_: service)
    monkeypatch.setattr(probes, "PAUSE_SECONDS", 0)
    return stub


def test_sql_answers_when_one_row_of_each_model_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    stub = athena(monkeypatch, {"State": "QUEUED"}, {"State": "RUNNING"}, {"State": "SUCCEEDED"})
    ATHENA.question(port(SQL), "sql")(60.0)
    stub.assert_no_pending_responses()


def test_a_query_that_fails_gives_no_answer_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    athena(monkeypatch, {"State": "FAILED", "StateChangeReason": "TABLE_NOT_FOUND: line 1:15"})
    with pytest.raises(NoAnswer, match="TABLE_NOT_FOUND: line 1:15"):
        ATHENA.question(port(SQL), "sql")(60.0)


def test_a_query_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    stub = athena(monkeypatch, {"State": "RUNNING"})
    stub.add_response("stop_query_execution", {}, {"QueryExecutionId": "q1"})
    with pytest.raises(NoAnswer, match="no answer in time"):
        ATHENA.question(port(SQL), "sql")(0.0)
    stub.assert_no_pending_responses()


def raising(error: Exception) -> Any:
    def fail(**_: Any) -> Any:
        raise error

    return SimpleNamespace(list_objects_v2=fail)


def test_a_probe_without_rights_judges_nothing_and_a_service_that_is_down_is_no_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, "ListObjectsV2")
    for error, expected, words in (
        (refused, NotProbed, "the probe's own credentials are refused: the port: Access Denied"),
        (EndpointConnectionError(endpoint_url="https://s3.example"), NoAnswer, "AWS does not answer"),
    ):
        monkeypatch.setattr(probes, "service_of", lambda *_, error=error: raising(error))
        with pytest.raises(expected, match=words):
            BUCKETS.question(port(SimpleNamespace(url="s3://sales")), "files")(1.0)


SALE = {"id": {"type": "string", "key": True, "required": True}}


def measured(connection: Any, limits: Limits, notes: list[str]) -> MeasuredPort:
    models = {"sale": {name: Property.model_validate(each) for name, each in SALE.items()}}
    return MeasuredPort(
        product="shop/sales",
        name="out",
        connection=connection,
        models=models,
        read=lambda _: pytest.fail("the files are read in place"),
        limits=limits,
        note=notes.append,
        environ=ENVIRON,
    )


def test_the_rows_of_a_table_in_s3_are_counted_within_a_limit_of_bytes(amazon: None) -> None:
    client("s3").create_bucket(Bucket="sales", CreateBucketConfiguration={"LocationConstraint": REGION})
    table = {"kind": "tables", "format": "parquet", "tables": {"sale": "s3://sales/sale"}}
    known = Connections.model_validate(
        {
            "product": "shop/sales",
            "environment": "local",
            "outputs": {"out": {"storage": table}},
            "schemas": {"out": {"models": {"sale": SALE}}},
        }
    )
    known.output("out").write("sale", [{"id": "a"}, {"id": "b"}])
    connection, notes = known.outputs["out"].storage, list[str]()
    with measure(measured(connection, Limits(), notes)) as tables:
        assert isinstance(tables, S3Tables)
        assert tables.work.table(tables.view("sale")).fetchall() == [("a",), ("b",)]
    assert notes[0].startswith("model sale of out: reads ")
    with (
        pytest.raises(NotMeasurable, match="the limit is 1 B: --max-bytes raises it"),
        measure(measured(connection, Limits(bytes=1), notes)) as tables,
    ):
        assert isinstance(tables, S3Tables)
        tables.view("sale")


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        (
            "BucketAlreadyExists: The requested bucket name is not available",
            "choose another by settings.aws.name_prefix",
        ),
        ("The bucket you tried to delete is not empty", "empty the bucket with all versions first"),
        ("a secret with this name is already scheduled for deletion", "aws secretsmanager restore-secret"),
        ("The role with name acme--code cannot be found.", "the consumer has no role yet: deploy its product"),
        ("The user with name bo@acme.example cannot be found.", "settings.aws.principals of the platform file says"),
        ("UnmodifiableEntity: Cannot perform the operation", "IAM Identity Center owns this role"),
        ("Maximum policy size of 10240 bytes exceeded for role acme", "end grants that its owner no longer needs"),
        ("123456789012 is not an allowed account", "set AWS_PROFILE, or settings.aws.profile"),
        ("The security token included in the request is expired", "aws sso login"),
        ("User: x is not authorized to perform: s3:CreateBucket", "an administrator grants it"),
        ("ThrottlingException: Rate exceeded", "wait a minute and run again"),
        ("Resource of type 'AWS::SQS::Queue' already exists", "remove it, or give this one another name"),
        ("ServiceUnavailable", "AWS could not answer: run again"),
    ],
)
def test_an_error_of_aws_has_a_remedy(message: str, hint: str) -> None:
    found = [str(text) for each in ERRORS.hints if (text := each.hint_on(message)) is not None]
    assert hint in found[0]


def test_an_error_is_without_the_ids_of_its_request() -> None:
    text = "Access Denied (Service: S3, Status Code: 403, Request ID: ABC123) (RequestToken: 1-2, HandlerErrorCode: X)"
    assert without_request(text) == "Access Denied"
