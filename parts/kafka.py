"""A real Kafka broker on loopback: SASL (PLAIN and SCRAM), ACLs that deny what they do not allow, its own controller.

with broker() as kafka:
    kafka.add_user("reader", "a password")
    kafka.create_topic("orders", partitions=3)
    kafka.allow("reader", read=["orders"], groups=["reader-"])
    Consumer(kafka.client("reader", "a password") | {"group.id": "reader-1"})
"""

from __future__ import annotations

import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import IO, TYPE_CHECKING, Any

from alchemesh_platform.machine.servers.ports import free_port
from parts import cache
from parts.java import PartFailed, maven
from parts.server import Server
from parts.tools.class_archive import class_archive_options, create_class_archive

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

FILES = Path(__file__).parent / "files" / "kafka"
CLUSTER = "QWxjaGVtZXNoLXBhcnRzLQ"  # any 16 bytes in base64; all data folders are copies of one
ADMINISTRATOR = "admin"
SCRAM = "SCRAM-SHA-512"

# A user who is never removed. When a broker starts, it replays its metadata log as one change: first to last user of a
# hash map. A removal that leaves no user discards the map, and with it every user after it (Kafka's ScramDelta.apply).
# Kafka then refuses users who have their password. The hash of this name is 0, and the user is the first in the log, so
# that the map always begins with it and is never empty.
RESIDENT = "f5a5a608"

ANSWER_SECONDS = 60.0
_JAVA = ("java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


def prepare() -> Path:
    """The folder of the broker's jars and of its formatted, empty data. It is created if it is missing.

    Raises:
        PartFailed: when Maven or the first start fails.
    """
    recipe = [(FILES / name).read_bytes() for name in ("pom.xml", "server.properties")]
    return cache.prepared("kafka", [*recipe, *_JAVA, RESIDENT], _make)


@dataclass(slots=True)
class Broker(Server):
    """A broker and its administrator.

    Args:
        bootstrap: Address for clients: ``127.0.0.1:PORT``.
        password: Password of the user ``admin``, who has all rights (mechanism PLAIN).
    """

    name = "the broker"
    start_seconds = 180.0  # 5 on an idle machine
    stop_seconds = 30.0

    bootstrap: str
    password: str = field(repr=False)

    def client(self, user: str = ADMINISTRATOR, password: str | None = None) -> dict[str, Any]:
        """Configuration of a confluent-kafka client: the administrator's, or another user's (by SCRAM)."""
        return {
            "bootstrap.servers": self.bootstrap,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "PLAIN" if user == ADMINISTRATOR else SCRAM,
            "sasl.username": user,
            "sasl.password": self.password if password is None else password,
            "reconnect.backoff.ms": 50,
            "reconnect.backoff.max.ms": 500,  # reconnects soon after a broker restarts
            "log_level": 0,  # errors are raised; notes on stderr are about a broker that starts
        }

    def admin(self) -> AdminClient:
        """The administrator's client."""
        from confluent_kafka.admin import AdminClient

        return AdminClient(self.client())

    def create_topic(self, name: str, *, partitions: int = 1, config: Mapping[str, str] | None = None) -> None:
        """Create a topic and wait until the broker lists it. The controller reports it with a delay."""
        from confluent_kafka.admin import NewTopic

        topic = NewTopic(name, partitions, 1, config=dict(config or {}))
        admin = self.admin()  # kept until the answer arrives: deleting the client cancels its requests
        admin.create_topics([topic])[name].result(ANSWER_SECONDS)
        _until(lambda: self._partitions(name) == partitions, f"there is no topic {name}")

    def delete_topic(self, name: str) -> None:
        """Delete a topic and wait until the broker no longer lists it."""
        admin = self.admin()
        admin.delete_topics([name])[name].result(ANSWER_SECONDS)
        _until(lambda: self._partitions(name) == 0, f"topic {name} still exists")

    def _partitions(self, topic: str) -> int:
        """The number of partitions of a topic with a leader."""
        found = self.admin().list_topics(timeout=ANSWER_SECONDS).topics.get(topic)
        return sum(part.leader >= 0 for part in found.partitions.values()) if found is not None else 0

    def add_user(self, name: str, password: str) -> None:
        """Add a SCRAM user, or change its password; waits until it can sign in."""
        from confluent_kafka.admin import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

        information = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        change = UserScramCredentialUpsertion(name, information, password.encode())
        admin = self.admin()
        admin.alter_user_scram_credentials([change])[name].result(ANSWER_SECONDS)
        _until(lambda: self._answers(name, password), f"user {name} cannot sign in")

    def remove_user(self, name: str) -> None:
        """Remove a SCRAM user."""
        from confluent_kafka.admin import ScramMechanism, UserScramCredentialDeletion

        removal = UserScramCredentialDeletion(name, ScramMechanism.SCRAM_SHA_512)
        admin = self.admin()
        admin.alter_user_scram_credentials([removal])[name].result(ANSWER_SECONDS)

    def knows(self, name: str, password: str) -> bool:
        """Whether a user can sign in with a password."""
        return self._answers(name, password)

    def allow(
        self,
        user: str,
        *,
        read: Sequence[str] = (),
        write: Sequence[str] = (),
        groups: Sequence[str] = (),
    ) -> None:
        """Allow a user to read and write topics and use groups, each by name prefix, and wait for the effect."""
        from confluent_kafka.admin import AclBinding, AclOperation, AclPermissionType, ResourcePatternType, ResourceType

        wanted = [
            *((ResourceType.TOPIC, name, AclOperation.READ) for name in read),
            *((ResourceType.TOPIC, name, AclOperation.WRITE) for name in write),
            *((ResourceType.GROUP, name, AclOperation.READ) for name in groups),
        ]
        who = f"User:{user}"
        bindings = [
            AclBinding(kind, name, ResourcePatternType.PREFIXED, who, "*", operation, AclPermissionType.ALLOW)
            for kind, name, operation in wanted
        ]
        admin = self.admin()
        for future in admin.create_acls(bindings).values():
            future.result(ANSWER_SECONDS)
        _until(lambda: set(bindings) <= set(self.acls()), f"the ACLs of {user} do not take effect")

    def acls(self) -> list[Any]:
        """All ACLs of the broker."""
        from confluent_kafka.admin import (
            AclBindingFilter,
            AclOperation,
            AclPermissionType,
            ResourcePatternType,
            ResourceType,
        )

        kinds = (ResourceType.ANY, None, ResourcePatternType.ANY)
        everything = AclBindingFilter(*kinds, None, None, AclOperation.ANY, AclPermissionType.ANY)  # type: ignore[arg-type]
        admin = self.admin()
        return list(admin.describe_acls(everything).result(ANSWER_SECONDS))

    def produce(self, topic: str, values: Sequence[bytes | None], *, key: bytes | None = None) -> None:
        """Write messages, each exactly once, and wait until the broker has them."""
        from confluent_kafka import Producer

        failed: list[Any] = []

        def delivered(error: object, _message: object) -> None:
            if error is not None:
                failed.append(error)

        producer = Producer({**self.client(), "enable.idempotence": True})  # a busy broker answers late: no second copy
        for value in values:
            while True:
                try:
                    producer.produce(topic, value, key, on_delivery=delivered)
                    break
                except BufferError:
                    producer.poll(0.1)
        left = producer.flush(ANSWER_SECONDS)
        if left or failed:
            raise PartFailed(f"{left or len(failed)} messages were not taken: {failed[:1]}")

    def _launched(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        return _java(self.parts, "kafka.Kafka", str(self.folder / "server.properties"), log=log)

    def _answers(self, user: str = ADMINISTRATOR, password: str | None = None) -> bool:
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient

        try:
            return bool(AdminClient(self.client(user, password)).list_topics(timeout=1).brokers)
        except KafkaException:
            return False


def _until(met: Callable[[], bool], otherwise: str) -> None:
    """Wait for an effect that follows the broker's answer after about 30 ms, or later on a busy machine."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while not met():
        if time.monotonic() > deadline:
            raise PartFailed(otherwise)
        time.sleep(0.02)


@contextmanager
def broker() -> Iterator[Broker]:
    """A broker without topics, and with ``admin`` as its only user. At the end, it is stopped and its data is removed.

    Raises:
        PartFailed: when it cannot be prepared or does not start.
    """
    parts = prepare()
    with tempfile.TemporaryDirectory(prefix="alchemesh-kafka-") as folder:
        made = make_broker(Path(folder), parts)
        try:
            made.start()
            yield made
        finally:
            made.kill()  # its data is no longer needed


def make_broker(folder: Path, parts: Path) -> Broker:
    """Write the configuration and empty data of a broker into a folder. Does not start it."""
    port, controller_port = free_port("127.0.0.1"), free_port("127.0.0.1")
    password = secrets.token_urlsafe(18)
    shutil.copytree(parts / "data", folder / "data")
    _configure(folder, port=port, controller_port=controller_port, password=password)
    return Broker(folder, parts, f"127.0.0.1:{port}", password)


def _make(folder: Path) -> None:
    """Fill the cached folder: jars, formatted data, and the archive of classes that one start creates."""
    shutil.copy(FILES / "pom.xml", folder)
    maven("dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=libs", folder=folder)
    _configure(folder, port=1, controller_port=2, password="-")  # noqa: S106 nobody's
    resident = f"{SCRAM}=[name={RESIDENT},password={secrets.token_hex(16)}]"
    command = (
        *("kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", "server.properties"),
        *("--add-scram", resident),
    )
    with (folder / "format.log").open("wb") as log:
        status = _java(folder, *command, log=log, folder=folder).wait()
    if status != 0:
        raise PartFailed(f"formatting left with {status}\n{(folder / 'format.log').read_text('utf-8', 'replace')}")
    with tempfile.TemporaryDirectory(prefix="alchemesh-kafka-") as first:
        create_class_archive(make_broker(Path(first), folder))


def _configure(folder: Path, *, port: int, controller_port: int, password: str) -> None:
    text = Template((FILES / "server.properties").read_text("utf-8"))
    file = folder / "server.properties"
    file.touch(0o600)
    file.write_text(
        text.substitute(port=port, controller_port=controller_port, password=password, data=folder / "data"), "utf-8"
    )


def _java(
    parts: Path, program: str, *arguments: str, log: IO[bytes], folder: Path | None = None
) -> subprocess.Popen[bytes]:
    classes = ":".join(str(jar) for jar in sorted((parts / "libs").glob("*.jar")))
    options = class_archive_options(parts) if program == "kafka.Kafka" else []
    command = [*_JAVA, *options, "-cp", classes, program, *arguments]
    return subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
