"""An admin client of a cluster. Its failures name the problem and the fix."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.packages.extras import install_command
from alchemesh_platform.systems.kafka.client.access import KafkaAccess, client_options

if TYPE_CHECKING:
    from confluent_kafka import KafkaError
    from confluent_kafka.admin import AdminClient

CONNECT_SECONDS = 15.0
REFUSED_SECONDS = 5.0  # where every address refuses connections at once: nothing listens there
ANSWER_SECONDS = 30.0
_STEP_SECONDS = 1.0
_LOOK_AGAIN_SECONDS = 0.05
_SETTINGS = "settings.kafka of the platform file"

T = TypeVar("T")


class KafkaFailed(Failure):
    """Raised when a cluster does not answer, rejects the login, or refuses an operation. It never holds a password."""


class KafkaDenied(KafkaFailed):
    """Raised when an ACL is missing."""


class Cluster:
    """A connected cluster.

    Raises:
        KafkaFailed: when no broker answers in time, or every broker rejects the login.
        SecretMissing: when the password has no value in the environment.
    """

    def __init__(self, access: KafkaAccess, *, seconds: float = CONNECT_SECONDS) -> None:
        try:
            from confluent_kafka.admin import AdminClient
        except ImportError as error:
            raise KafkaFailed(
                "the Kafka client for Python is not installed", hint=install_command("alchemesh-platform[kafka]")
            ) from error
        self.access = access
        self._reported: list[KafkaError] = []
        options: dict[str, Any] = {**client_options(access), "error_cb": self._reported.append}
        self.admin: AdminClient = AdminClient(options)
        self.brokers = self._connect(seconds)

    def answer(self, future: Future[T], doing: str) -> T:
        """The answer of the cluster.

        Args:
            doing: The operation, for the failure: ``create topic orders``.
        """
        with refusals(self.access, doing):
            return future.result(ANSWER_SECONDS)

    def await_reported(self, missing: Callable[[], str | None]) -> None:
        """Wait until the brokers report a change. They receive it from the controller with a delay.

        Args:
            missing: Function that describes the missing change in a sentence, or returns None once the brokers report
                it.

        Raises:
            KafkaFailed: when the brokers do not report it in time, with the missing change.
        """
        deadline = time.monotonic() + ANSWER_SECONDS
        while (difference := missing()) is not None:
            if time.monotonic() > deadline:
                raise KafkaFailed(difference, hint="check whether another user changes it, and run again")
            time.sleep(_LOOK_AGAIN_SECONDS)

    def _connect(self, seconds: float) -> int:
        """Number of brokers."""
        from confluent_kafka import KafkaException

        started = time.monotonic()
        while True:
            try:
                # A request for the empty topic name returns the brokers, and creates no topic.
                return len(self.admin.list_topics(timeout=_STEP_SECONDS).brokers)
            except KafkaException as error:
                self.admin.poll(0)  # delivers the reported errors
                if (refused := self._refused()) is not None:
                    raise refused from error
                waited = time.monotonic() - started
                if waited > seconds or (waited > REFUSED_SECONDS and self._nothing_listens()):
                    raise self._unreachable(error) from error

    def _refused(self) -> KafkaFailed | None:
        from confluent_kafka import KafkaError

        for reported in self._reported:
            if reported.code() == KafkaError._AUTHENTICATION:
                security = self.access.security
                secret = f", whose password is {{secret: {security.password.secret}}}" if security.password else ""
                return KafkaFailed(
                    f"Kafka at {self.access.servers} refuses user {security.username!r}: {_reason(reported.str())}",
                    hint=f"check `security` in {_SETTINGS}{secret}",
                )
            if reported.code() == KafkaError._SSL:
                return KafkaFailed(
                    f"Kafka at {self.access.servers} cannot be trusted: {_reason(reported.str())}",
                    hint=f"check `security.protocol` and `security.ca` in {_SETTINGS}",
                )
        return None

    def _nothing_listens(self) -> bool:
        """Whether every address refuses connections. A broker that is slow, or behind a network, may still answer."""
        from confluent_kafka import KafkaError

        others = [each.str() for each in self._reported if each.code() != KafkaError._ALL_BROKERS_DOWN]
        return bool(others) and all("Connection refused" in each for each in others)

    def _unreachable(self, error: Exception) -> KafkaFailed:
        from confluent_kafka import KafkaError

        reported = [each.str() for each in self._reported if each.code() != KafkaError._ALL_BROKERS_DOWN]
        return KafkaFailed(
            f"no Kafka broker answers at {self.access.servers}: "
            f"{_reason(reported[-1]) if reported else error_of(error)}",
            hint=f"start it, or correct `bootstrap_servers` and `security.protocol` in {_SETTINGS}; then run again",
        )


@contextmanager
def refusals(access: KafkaAccess, doing: str) -> Iterator[None]:
    """Turn a broker's refusal into a failure that names the operation and the fix."""
    from confluent_kafka import KafkaException

    try:
        yield
    except KafkaException as error:
        failure = KafkaDenied if _is_denied(error) else KafkaFailed
        raise failure(f"Kafka cannot {doing}: {error_of(error)}", hint=_hint(error, access)) from error
    except TimeoutError as error:
        raise KafkaFailed(
            f"Kafka cannot {doing}: no answer in {ANSWER_SECONDS:.0f} s", hint="run again when the cluster is well"
        ) from error


def code_of(error: BaseException) -> int | None:
    """Code of a failure of Kafka's client."""
    found: Any = error.args[0] if error.args else None
    return int(found.code()) if hasattr(found, "code") else None


def error_of(error: BaseException) -> str:
    """The message of a broker."""
    found: Any = error.args[0] if error.args else None
    return str(found.str()) if hasattr(found, "str") else str(error)


def _hint(error: Exception, access: KafkaAccess) -> str | None:
    from confluent_kafka import KafkaError

    code = code_of(error)
    if _is_denied(error):
        return f"an ACL has to let user {access.security.username!r} do it; Kafka's administrators add one"
    if code == KafkaError.UNKNOWN_TOPIC_OR_PART:
        return "check its name, or have it created"
    return None


def _is_denied(error: Exception) -> bool:
    from confluent_kafka import KafkaError

    return code_of(error) in (
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
    )


def _reason(text: str) -> str:
    """The text without the name of the connection at its start and the duration at its end."""
    return text.rpartition("]: ")[2].partition(" (after ")[0].strip()
