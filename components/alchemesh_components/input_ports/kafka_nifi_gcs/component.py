"""Events of a Kafka topic in a bucket, written by a NiFi dataflow."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pulumi
from pulumi_gcp import serviceaccount, storage

from alchemesh_components.gcp.names import SERVICE_ACCOUNT, resource_name
from alchemesh_components.gcp.settings import Settings as GcpOnly
from alchemesh_components.infrastructure.gcs_bucket.component import GcsBucket
from alchemesh_components.infrastructure.gcs_bucket.models import Args as BucketArgs
from alchemesh_components.input_ports.kafka_nifi_gcs.models import Args, Settings
from alchemesh_components.input_ports.kafka_nifi_gcs.processors import processors, services
from alchemesh_components.input_ports.kafka_nifi_gcs.spec import SPEC
from alchemesh_components.kafka.provider import kafka_provider
from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.systems.kafka.client.users import principal_of
from alchemesh_platform.systems.kafka.resources import Rights, SourceTopic
from alchemesh_platform.systems.nifi.resources import Dataflow

if TYPE_CHECKING:
    import pulumi_kafka

# The right to create objects is not enough: a repeated upload overwrites the object of the first attempt, which needs
# the right to delete it. https://cloud.google.com/storage/docs/access-control/iam-roles
WRITER_ROLE = "roles/storage.objectUser"
MECHANISM = "SCRAM-SHA-512"
PASSWORD_BYTES = 24


@dataclass(frozen=True, slots=True)
class Reader:
    """The dataflow's login at Kafka; ``password`` is a secret, or a reference to one."""

    username: str | None
    password: Any
    mechanism: str | None
    resources: Sequence[pulumi.Resource] = ()


@dataclass(frozen=True, slots=True)
class Writer:
    """The dataflow's login at Cloud Storage; ``key`` is None if NiFi has its own identity."""

    key: pulumi.Output[str] | None
    right: pulumi.Resource


class KafkaNifiGcs(Component[Args, Settings]):
    """A private bucket, rights to read the topic and to write the bucket, and the dataflow between them."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """Create the bucket and its writer, the source topic and its reader, and the dataflow."""
        self.landing = self.landing_bucket()
        source = self.source()
        writer = self.writer()
        reader = self.reader()
        dataflow = self.dataflow(source, reader, writer)
        return {
            **self.landing.outputs,
            "format": self.args.format,
            "reading": {**self.args.reading(), "folder": f"{self.args.topic}/"},
            "fed_by": {"server": self.settings.nifi.url, "group": dataflow.group_id, "login": self.login},
        }

    @property
    def login(self) -> dict[str, Any]:
        """The platform's login at NiFi, with references to secrets."""
        return self.settings.nifi.login()

    @property
    def group(self) -> str:
        """Name of the consumer group, of its own user if it has one, and of the dataflow."""
        wiring = self.wiring
        return f"{wiring.environment}.{wiring.domain}.{wiring.product}.{wiring.port}"

    def landing_bucket(self) -> GcsBucket:
        """The bucket that files land in."""
        args = BucketArgs(
            retention=self.args.retention,
            old_versions=self.args.old_versions,
            keep_on_destroy=self.args.keep_on_destroy,
        )
        settings = GcpOnly(gcp=self.settings.gcp)
        return GcsBucket(f"{self.name}-landing", args, settings, self.wiring, self.child_options)

    def source(self) -> SourceTopic:
        """The external topic.

        The check that it exists matters, since a dataflow that waits for a missing topic looks healthy.
        """
        kafka = self.settings.kafka.access()
        return SourceTopic(f"{self.name}-source", kafka=kafka, topic=self.args.topic, opts=self.child_options)

    def writer(self) -> Writer:
        """A service account that can only write into the bucket, and its key; or NiFi's own identity."""
        identity = self.settings.nifi.google_identity
        if identity is not None:
            return Writer(None, self.right(f"serviceAccount:{identity}"))
        account = self.account()
        key = serviceaccount.Key(f"{self.name}-key", service_account_id=account.name, opts=self.child_options)
        right = self.right(account.email.apply("serviceAccount:{}".format))
        return Writer(pulumi.Output.secret(key.private_key.apply(_decoded)), right)

    def account(self) -> serviceaccount.Account:
        """The service account."""
        gcp = self.settings.gcp
        return serviceaccount.Account(
            f"{self.name}-writer",
            project=gcp.project,
            account_id=resource_name(SERVICE_ACCOUNT, gcp, self.wiring),
            display_name=f"NiFi for {self.wiring.address}"[:DISPLAY_NAME_MAX],
            opts=self.child_options,
        )

    def right(self, member: pulumi.Input[str]) -> storage.BucketIAMMember:
        """The right to write into this bucket."""
        return storage.BucketIAMMember(
            f"{self.name}-writes",
            bucket=self.landing.bucket.name,
            role=WRITER_ROLE,
            member=member,
            opts=self.child_options,
        )

    def reader(self) -> Reader:
        """The Kafka user (its own one if the platform creates users), and its rights to topic and group."""
        kafka, nifi = self.settings.kafka, self.settings.nifi
        if kafka.create_users:
            opts = self.kafka_options()
            user = self.user(opts)
            rights = [self.acl(self.group, "Topic", opts), self.acl(self.group, "Group", opts)]
            return Reader(self.group, user.password, MECHANISM, [user, *rights])
        security = kafka.security
        username = nifi.kafka_username or security.username
        password = nifi.kafka_password or security.password
        principal = nifi.kafka_principal or username
        shared = self.shared_rights(principal) if principal else []
        return Reader(username, password.model_dump() if password else None, security.mechanism, shared)

    def kafka_options(self) -> pulumi.ResourceOptions:
        """Options of resources in Kafka: a provider with the platform's login."""
        provider = kafka_provider(f"{self.name}-kafka", self.settings.kafka, self)
        return pulumi.ResourceOptions(parent=self, provider=provider)

    def user(self, opts: pulumi.ResourceOptions) -> pulumi_kafka.UserScramCredential:
        """A user with a password that is created once. Only the encrypted state, Kafka and NiFi hold it."""
        import pulumi_kafka

        once = pulumi.ResourceOptions(ignore_changes=["password"], additional_secret_outputs=["password"])
        return pulumi_kafka.UserScramCredential(
            f"{self.name}-user",
            username=self.group,
            scram_mechanism=MECHANISM,
            password=pulumi.Output.secret(secrets.token_urlsafe(PASSWORD_BYTES)),
            opts=pulumi.ResourceOptions.merge(opts, once),
        )

    def acl(self, username: str, kind: Literal["Topic", "Group"], opts: pulumi.ResourceOptions) -> pulumi_kafka.Acl:
        """The right to read the topic, or to commit offsets of the group."""
        import pulumi_kafka

        return pulumi_kafka.Acl(
            f"{self.name}-reads-{kind.lower()}",
            acl_principal=principal_of(username),
            acl_host="*",
            acl_operation="Read",
            acl_permission_type="Allow",
            acl_resource_type=kind,
            acl_resource_name=self.args.topic if kind == "Topic" else self.group,
            resource_pattern_type_filter="Literal",
            opts=opts,
        )

    def shared_rights(self, username: str) -> list[pulumi.Resource]:
        """Rights to topic and group of an existing user, which other dataflows may use for the same topic."""
        topic = Rights(
            f"{self.name}-reads-topic",
            kafka=self.settings.kafka.access(),
            user=username,
            topics=[self.args.topic],
            environment=self.wiring.environment,
            port=self.wiring.address,
            opts=self.child_options,
        )
        return [topic, self.acl(username, "Group", self.kafka_options())]

    def dataflow(self, source: SourceTopic, reader: Reader, writer: Writer) -> Dataflow:
        """The dataflow, which starts after it has its rights to read and write."""
        args, nifi = self.args, self.settings.nifi
        protocol = self.settings.kafka.security.protocol
        return Dataflow(
            f"{self.name}-dataflow",
            server=nifi.url,
            login=self.login,
            name=self.group,
            owner=f"{self.wiring.environment}:{self.wiring.address}",
            parent=nifi.parent_group,
            parameters=self.parameters(reader),
            sensitive_parameters=_given({"kafka.password": reader.password, "gcp.key": writer.key}),
            services=services(
                reader.mechanism,
                protocol,
                tls_service=nifi.kafka_tls_service,
                with_key=writer.key is not None,
                substitutes=nifi.substitutes,
            ),
            processors=processors(
                format=args.format,
                start=args.start,
                mechanism=reader.mechanism,
                protocol=protocol,
                tls_service=nifi.kafka_tls_service,
                batch_time=args.batch_time,
                batch_megabytes=args.batch_megabytes,
                dead_letter=args.dead_letter,
                storage_url=nifi.storage_url,
                substitutes=nifi.substitutes,
            ),
            drain_seconds=nifi.drain.total_seconds(),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[source, writer.right, *reader.resources]),
        )

    def parameters(self, reader: Reader) -> dict[str, Any]:
        """The parameters that the dataflow's properties refer to."""
        return _given(
            {
                "kafka.servers": self.settings.kafka.servers,
                "kafka.topic": self.args.topic,
                "kafka.group": self.group,
                "kafka.username": reader.username,
                "gcs.bucket": self.landing.bucket.name,
            }
        )

    def admit(self, identity: CodeIdentity) -> Sequence[pulumi.Resource]:
        """Grant the code read access to the files."""
        return self.landing.admit(identity)


DISPLAY_NAME_MAX = 100  # https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts


def _decoded(key: str) -> str:
    """The key as JSON. The provider returns it in base64."""
    return base64.b64decode(key).decode()


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
