"""Probes of topics: metadata and the last offset of each one, as a user of their own where the platform makes users."""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.machine.files import write_if_changed
from alchemesh_platform.sdk.probes.probe import IDENTITY, NoAnswer, NotProbed, ProbedPort, Probes, Question
from alchemesh_platform.systems.kafka.client.access import client_options
from alchemesh_platform.systems.kafka.client.cluster import Cluster, KafkaFailed, code_of, error_of
from alchemesh_platform.systems.kafka.client.rights import Right, grant_rights, revoke_rights
from alchemesh_platform.systems.kafka.client.users import MECHANISM, has_user, put_password, remove_user
from alchemesh_platform.systems.kafka.connections import TopicConnection

if TYPE_CHECKING:
    from confluent_kafka import Consumer, KafkaError

VALIDITY = timedelta(days=1)
_ACCEPTED_SECONDS = 20.0


class TopicProbes(Probes):
    """Probes of topics of Kafka. Each topic has a user for them, with a new password each day, until it is removed."""

    def protocols(self, connection: TopicConnection) -> tuple[str, ...]:
        return ("kafka",)

    def question(self, port: ProbedPort, protocol: str) -> Question:
        connection: TopicConnection = port.connection
        topics = tuple(dict.fromkeys(connection.topics.values()))
        try:
            options = {topic: _options(port, topic) for topic in topics}
        except Failure as error:
            raise NotProbed(str(error.message)) from error

        def ask(seconds: float) -> None:
            end = time.monotonic() + seconds
            for topic in topics:
                try:
                    _ask(topic, options[topic], end)
                except NotProbed:
                    _forget(port.kept, topic)
                    raise

        return ask


TOPICS = TopicProbes()


def probe_user(topic: str) -> str:
    """The user of the probes of a topic: ``probe-1f0c9a2b4c5d``."""
    return f"{IDENTITY}-{hashlib.sha256(topic.encode()).hexdigest()[:12]}"


def end_probe(cluster: Cluster, topic: str) -> None:
    """End the user of the probes of a topic that is removed.

    A missing one is no error, nor a cluster whose users belong to others: it then has none.
    """
    user = probe_user(topic)
    with suppress(KafkaFailed):
        if has_user(cluster, user):
            revoke_rights(cluster, [Right(user, "topic", topic)])
            remove_user(cluster, user)


def _options(port: ProbedPort, topic: str) -> dict[str, Any]:
    """The configuration of a client. Without users of the platform, it is the platform's own access to the cluster."""
    connection: TopicConnection = port.connection
    own = client_options(connection.access, port.environ)
    group = {"group.id": probe_user(topic), "enable.auto.commit": False}
    if not connection.issues_credentials or port.kept is None:
        return {**own, **group}
    user, file = probe_user(topic), _file(port.kept, topic)
    password = _kept(file, user)
    if password is None:
        cluster = Cluster(connection.access)
        grant_rights(cluster, [Right(user, "topic", topic)])
        password = put_password(cluster, user)
        _await_accepted({**own, **group, **_sign_in(user, password)}, topic)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_if_changed(file, json.dumps({"user": user, "password": password}) + "\n")
    return {**own, **group, **_sign_in(user, password)}


def _sign_in(user: str, password: str) -> dict[str, str]:
    return {"sasl.mechanism": MECHANISM, "sasl.username": user, "sasl.password": password}


def _await_accepted(options: dict[str, Any], topic: str) -> None:
    """Wait until the brokers know a new password: they learn it from the controller with a delay."""
    end = time.monotonic() + _ACCEPTED_SECONDS
    while True:
        try:
            _ask(topic, options, time.monotonic() + _ACCEPTED_SECONDS / 4)
        except NotProbed:
            if time.monotonic() < end:
                time.sleep(0.1)
                continue
        except NoAnswer:
            pass  # the question finds it too
        return


def _kept(file: Path, user: str) -> str | None:
    """The password in a file; None if there is none, or it is older than a day."""
    try:
        found = json.loads(file.read_bytes())
        young = time.time() - file.stat().st_mtime < VALIDITY.total_seconds()
        return str(found["password"]) if young and found["user"] == user else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _file(folder: Path, topic: str) -> Path:
    return folder / f"{probe_user(topic)}.json"


def _forget(folder: Path | None, topic: str) -> None:
    """The next probe has a new password."""
    if folder is not None:
        with suppress(OSError):
            _file(folder, topic).unlink()


def _ask(topic: str, options: dict[str, Any], end: float) -> None:
    from confluent_kafka import Consumer, KafkaException, TopicPartition

    reported: list[KafkaError] = []
    consumer: Consumer = Consumer({**options, "error_cb": reported.append})
    try:
        found = consumer.list_topics(topic, timeout=_left(end)).topics[topic]
        _check(found.error, topic)
        if not found.partitions:
            raise NoAnswer(f"topic {topic} has no partitions")
        consumer.get_watermark_offsets(TopicPartition(topic, min(found.partitions)), timeout=_left(end), cached=False)
    except KafkaException as error:
        with suppress(KafkaException):
            consumer.poll(0)  # delivers the reported errors
        raise _outcome(error, reported) from None
    finally:
        consumer.close()


def _left(end: float) -> float:
    return max(end - time.monotonic(), 0.001)


def _check(error: KafkaError | None, topic: str) -> None:
    from confluent_kafka import KafkaError

    if error is None:
        return
    if error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
        raise NotProbed(f"the cluster refuses the probe's own user at topic {topic}")
    raise NoAnswer(f"topic {topic}: {error.str()}")


def _outcome(error: Exception, reported: list[KafkaError]) -> Exception:
    from confluent_kafka import KafkaError

    codes = {code_of(error), *(each.code() for each in reported)}
    if codes & {KafkaError._AUTHENTICATION, KafkaError.TOPIC_AUTHORIZATION_FAILED}:
        return NotProbed("the cluster refuses the probe's own user")
    known = [each.str() for each in reported if each.code() != KafkaError._ALL_BROKERS_DOWN]
    return NoAnswer(known[-1].rpartition("]: ")[2] if known else error_of(error))
