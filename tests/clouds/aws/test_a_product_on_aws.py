"""A product's ports on an emulated AWS: the real engine, real rows, and rights that IAM enforces."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from alchemesh_components.aws.settings import Settings
from alchemesh_platform.clouds.aws.emulation.provider import serve_emulated
from alchemesh_platform.clouds.aws.emulation.servers.services import DEFAULT_ACCOUNT, DEFAULT_REGION, MiniStack
from alchemesh_platform.clouds.aws.identities import AWS_ROLE
from alchemesh_platform.connections import Connections, NotReadable
from alchemesh_platform.engine.install.find import Engine
from alchemesh_platform.engine.run.events import EngineEvent, ResourcePre
from alchemesh_platform.engine.run.operation import Operation, run_operation
from alchemesh_platform.engine.stack import Stack
from alchemesh_platform.engine.state.lock import StackLock
from alchemesh_platform.manifest.models import SemanticModel
from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.spec import Role
from alchemesh_platform.sdk.wiring import Wiring

pytestmark = [pytest.mark.engine, pytest.mark.slow]

SETTINGS = Settings.model_validate({"aws": {"account": DEFAULT_ACCOUNT, "region": DEFAULT_REGION}})
PLACE = Wiring(environment="prod", domain="shop", product="sales")
SALE: dict[str, Any] = {
    "sale_id": {"type": "string", "key": True, "required": True},
    "amount": {"type": "number", "precision": 10, "scale": 2},
}
CODE = "prod--shop--sales--code"
BO = Consumer("r-1", "user", "bo@acme.example", users=("bo@acme.example",))
CY = Consumer("r-2", "user", "cy@acme.example", users=("cy@acme.example",))
FORMER = dataclasses.replace(CY, request="r-3", ends_at=datetime(2020, 1, 1, tzinfo=UTC))
BUCKET, TABLE = f"{DEFAULT_ACCOUNT}--prod--shop--sales--files", f"{DEFAULT_ACCOUNT}--prod--shop--sales--table"
DATABASE, STREAM, SECRET = "prod__shop__sales__table", "prod--shop--sales--events--sale", "prod--shop--sales--token"
GRANTED = {"proxy-user-{}", "proxy-workgroup-{}", "files-user-{}", "events-user-{}"}


@dataclass
class Product:
    """One stack on the emulated cloud."""

    engine: Engine
    stack: Stack
    ports: dict[str, int]

    def done(self, operation: Operation, program: Callable[[], object] | None = None) -> dict[str, set[str]]:
        """Run one operation that must succeed; returns the changed resources by operation."""
        events: list[EngineEvent] = []
        with StackLock(self.stack, report=lambda _line: None):
            self.stack.prepare(self.engine)
            result = run_operation(
                self.engine, self.stack, operation, program=program, providers=self.ports, on_event=events.append
            )
        assert result.outcome == "succeeded", "\n".join(each.message for each in result.errors)
        touched: dict[str, set[str]] = {}
        for event in events:
            if isinstance(event, ResourcePre) and event.custom and not event.type.startswith("pulumi:"):
                touched.setdefault(event.op, set()).add(event.name)
        return {op: names for op, names in touched.items() if op not in ("same", "refresh")}


@pytest.fixture
def product(tmp_path: Path, engine: Engine, amazon: MiniStack) -> Iterator[Product]:
    stack = Stack("shop.sales", "prod", f"file://{tmp_path / 'home' / 'state'}", tmp_path / "home")
    with serve_emulated(amazon) as served:
        yield Product(engine, stack, {served.package: served.port})


def sales(*consumers: Consumer) -> Callable[[], None]:
    """A program with a table behind Athena, a bucket, a stream and a secret, and the rights of code and consumers."""

    def declare() -> None:
        from alchemesh_components.infrastructure.s3_bucket.component import S3Bucket
        from alchemesh_components.infrastructure.s3_bucket.models import Args as BucketArgs
        from alchemesh_components.infrastructure.secrets_manager_secret.component import SecretsManagerSecret
        from alchemesh_components.infrastructure.secrets_manager_secret.models import Args as SecretArgs
        from alchemesh_components.output_ports.athena_sql.component import AthenaSql
        from alchemesh_components.output_ports.athena_sql.models import Args as SqlArgs
        from alchemesh_components.output_ports.glue_table.component import GlueTables
        from alchemesh_components.output_ports.glue_table.models import Args as TableArgs
        from alchemesh_components.output_ports.kinesis_stream.component import KinesisStreams
        from alchemesh_components.output_ports.kinesis_stream.models import Args as StreamArgs

        models = {"sale": SemanticModel.model_validate({"properties": SALE})}

        def port(name: str, role: Role) -> Wiring:
            return dataclasses.replace(PLACE, port=name, role=role.value, models=models)

        table = GlueTables("table", TableArgs(keep_on_destroy=False), SETTINGS, port("table", Role.STORAGE))
        shown = dataclasses.replace(port("table", Role.PROXY), storage=table.outputs, protocols=("sql",))
        proxy = AthenaSql("proxy", SqlArgs(), SETTINGS, shown)
        files = S3Bucket("files", BucketArgs(keep_on_destroy=False), SETTINGS, port("files", Role.STORAGE))
        events = KinesisStreams("events", StreamArgs(keep_on_destroy=False), SETTINGS, port("events", Role.STORAGE))
        place = dataclasses.replace(PLACE, port="token", role=Role.INFRASTRUCTURE.value)
        secret = SecretsManagerSecret("token", SecretArgs(keep_on_destroy=False), SETTINGS, place)
        for each in (table, files, events, secret):
            each.admit(CodeIdentity(AWS_ROLE, CODE))
        for consumer in consumers:
            for guarded in (proxy, files, events):
                guarded.grant(consumer)

    return declare


@dataclass(frozen=True)
class Keys:
    """Credentials of a principal of the emulated cloud."""

    url: str
    id: str
    secret: str
    token: str | None = None

    def client(self, service: str) -> Any:
        return boto3.session.Session(self.id, self.secret, self.token, DEFAULT_REGION).client(
            service, endpoint_url=self.url
        )

    def set_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let a product's code run with these credentials."""
        given = {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": DEFAULT_REGION,
            "AWS_ACCESS_KEY_ID": self.id,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_SESSION_TOKEN": self.token or "",
        }
        for name, value in given.items():
            monkeypatch.setenv(name, value)


def principals(amazon: MiniStack) -> tuple[Keys, Keys, Keys]:
    """The role of the code and two users, which the product's own stack does not create."""
    root = Keys(amazon.url(), "test", "test")
    iam, sts = root.client("iam"), root.client("sts")
    trust = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":'
        f'"arn:aws:iam::{DEFAULT_ACCOUNT}:root"}}}}]}}'
    )
    arn = iam.create_role(RoleName=CODE, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    given = sts.assume_role(RoleArn=arn, RoleSessionName="run")["Credentials"]
    found = [Keys(root.url, given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])]
    for name in ("bo@acme.example", "cy@acme.example"):
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        found.append(Keys(root.url, key["AccessKeyId"], key["SecretAccessKey"]))
    return found[0], found[1], found[2]


def refused(act: Callable[..., Any], **arguments: Any) -> bool:
    """Whether IAM refuses an act; any other error fails the test."""
    try:
        act(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException"), error
        return True
    return False


def asked(keys: Keys, workgroup: str) -> list[list[str]]:
    """The rows of a query in a workgroup. Root reads the answer: MiniStack does not find the workgroup of a query."""
    query = {"QueryString": "SELECT sale_id, amount FROM sale ORDER BY sale_id", "WorkGroup": workgroup}
    started = keys.client("athena").start_query_execution(QueryExecutionContext={"Database": DATABASE}, **query)
    identity, athena = started["QueryExecutionId"], Keys(keys.url, "test", "test").client("athena")
    deadline = time.monotonic() + 60
    while True:
        status = athena.get_query_execution(QueryExecutionId=identity)["QueryExecution"]["Status"]
        if status["State"] not in ("QUEUED", "RUNNING"):
            break
        assert time.monotonic() < deadline, status
    assert status["State"] == "SUCCEEDED", status
    rows = athena.get_query_results(QueryExecutionId=identity)["ResultSet"]["Rows"]
    return [[cell.get("VarCharValue") for cell in row["Data"]] for row in rows[1:]]


def known() -> Connections:
    """The product's connections, as its code gets them."""
    files = {"kind": "files", "url": f"s3://{BUCKET}", "format": "parquet"}
    table = {"kind": "tables", "format": "parquet", "tables": {"sale": f"s3://{TABLE}/sale"}}
    sql = f"athena://{DEFAULT_REGION}/{DATABASE}?workgroup=prod--shop--sales--table"
    events = {"kind": "topic", "broker": "kinesis", "topics": {"sale": STREAM}}
    models = {"models": {"sale": SALE}}
    return Connections.model_validate(
        {
            "product": "shop/sales",
            "environment": "prod",
            "inputs": {"theirs": {"proxy": {"kind": "data-api", "sql": sql, "tables": ["sale"]}}},
            "outputs": {name: {"storage": each} for name, each in (("t", table), ("f", files), ("e", events))},
            "infrastructure": {},
            "schemas": dict.fromkeys(("t", "f", "e", "theirs"), models),
        }
    )


def test_code_and_consumers_have_the_rights_of_their_ports_and_grants_and_no_others(
    product: Product, amazon: MiniStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, bo, cy = principals(amazon)
    made = product.done("up", sales(BO))
    assert set(made) == {"create"}
    assert {name.format("bo-acme-example-r-1" if "user" in name else "r-1") for name in GRANTED} <= made["create"]
    assert {name for name in made["create"] if name.endswith("-code")} == {
        "table-code",
        "files-code",
        "events-code",
        "token-code",
    }
    assert product.done("up", sales(BO)) == {}, "a second deployment changes nothing"
    assert product.done("refresh", sales(BO)) == {}, "and there is no drift"

    # The code writes and reads its own ports and secret, and nothing else.
    code.set_in(monkeypatch)
    own = known()
    rows = [{"sale_id": "a", "amount": Decimal("1.10")}, {"sale_id": "b", "amount": Decimal("2.20")}]
    assert own.output("t").write("sale", rows).rows == 2
    assert own.output("f").write("sale", rows).rows == 2
    assert own.output("e").write("sale", rows).rows == 2
    assert [row["sale_id"] for row in own.output("t").read("sale").pylist()] == ["a", "b"]
    root = Keys(amazon.url(), "test", "test")
    root.client("s3").create_bucket(Bucket="somebody-elses")
    root.client("secretsmanager").put_secret_value(SecretId=SECRET, SecretString="known to the team")
    assert code.client("secretsmanager").get_secret_value(SecretId=SECRET)["SecretString"] == "known to the team"
    assert refused(code.client("secretsmanager").put_secret_value, SecretId=SECRET, SecretString="other")
    assert refused(code.client("s3").list_objects_v2, Bucket="somebody-elses")
    assert refused(code.client("s3").delete_bucket_policy, Bucket=BUCKET)
    assert refused(code.client("iam").list_roles)

    # A granted consumer reads, by SQL in a workgroup of its own and as files; it writes nothing.
    assert asked(bo, "prod--shop--sales--table--r-1") == [["a", "1.10"], ["b", "2.20"]]
    group = root.client("athena").get_work_group(WorkGroup="prod--shop--sales--table--r-1")["WorkGroup"]
    assert group["Configuration"]["BytesScannedCutoffPerQuery"] == 10 * 1000**3
    assert group["Configuration"]["EnforceWorkGroupConfiguration"] is True
    query = {"QueryString": "SELECT 1", "QueryExecutionContext": {"Database": DATABASE}}
    assert refused(bo.client("athena").start_query_execution, WorkGroup="prod--shop--sales--table", **query)
    bo.set_in(monkeypatch)
    assert [row["sale_id"] for row in known().input("theirs").read("sale").pylist()] == ["a", "b"]
    assert refused(bo.client("s3").put_object, Bucket=BUCKET, Key="sale/x", Body=b"x")
    assert not refused(bo.client("kinesis").describe_stream_summary, StreamName=STREAM)
    assert refused(bo.client("kinesis").put_record, StreamName=STREAM, Data=b"x", PartitionKey="x")
    assert refused(bo.client("secretsmanager").get_secret_value, SecretId=SECRET)
    cy.set_in(monkeypatch)
    with pytest.raises(NotReadable, match="the role of this code may not read"):
        known().output("f").read("sale")

    # One more consumer changes nothing of the first; the end of a grant ends no other.
    added = product.done("up", sales(BO, CY))
    assert added == {"create": {name.format("cy-acme-example-r-2" if "user" in name else "r-2") for name in GRANTED}}
    assert asked(cy, "prod--shop--sales--table--r-2") == [["a", "1.10"], ["b", "2.20"]]
    ended = product.done("up", sales(CY))
    assert ended == {"delete": {name.format("bo-acme-example-r-1" if "user" in name else "r-1") for name in GRANTED}}
    assert refused(bo.client("s3").list_objects_v2, Bucket=BUCKET)
    assert not refused(cy.client("s3").list_objects_v2, Bucket=BUCKET)

    # A grant whose end has passed gives nothing.
    product.done("up", sales(FORMER))
    assert refused(cy.client("s3").list_objects_v2, Bucket=BUCKET)
    assert refused(cy.client("kinesis").describe_stream_summary, StreamName=STREAM)
