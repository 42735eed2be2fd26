"""Errors of Amazon's clients as those of rows, for a product's code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alchemesh_platform.base.packages.extras import install_command
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.clouds.aws.client import client_of
from alchemesh_platform.clouds.aws.services import FORBIDDEN, NOT_FOUND, SIGN_IN, code_of
from alchemesh_platform.data.errors import DataError, NotReadable


def code_client(service: str, error: type[DataError], doing: str) -> Any:
    """A client that signs in as the code's own role.

    Args:
        service: ``s3``, ``kinesis``.
        error: The error to raise.
        doing: The beginning of its message.

    Raises:
        DataError: when the client is not installed, or there is no region.
    """
    try:
        from botocore.exceptions import BotoCoreError

        try:
            return client_of(service)
        except BotoCoreError as failed:
            raise error(f"{doing}: {failed}", hint=SIGN_IN) from failed
    except ImportError as missing:
        raise error(
            f"{doing}: boto3 is not installed here", hint=f"`{install_command('alchemesh-platform[aws]')}`"
        ) from missing


@contextmanager
def access(error: type[DataError], place: object) -> Iterator[None]:
    """Turn errors of Amazon's clients into those of rows.

    Args:
        error: The error to raise: NotReadable or NotWritable.
        place: The bucket, folder or stream, for messages.
    """
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

    verb, done = ("read", "read") if error is NotReadable else ("write", "written")
    try:
        yield
    except NoCredentialsError as missing:
        raise error(f"{place} cannot be {done}: there are no credentials for AWS here", hint=SIGN_IN) from missing
    except ClientError as failed:
        if code_of(failed) in FORBIDDEN:
            raise error(
                f"the role of this code may not {verb} {place}",
                hint=remedy("{} gives it the right", command("up", about_product=True)),
            ) from failed
        if code_of(failed) in NOT_FOUND:
            raise error(f"{place} or an object in it is missing", hint="run the code again") from failed
        raise error(f"{place} cannot be {done}: {failed}", hint="run the code again") from failed
    except BotoCoreError as failed:
        raise error(f"{place} cannot be {done}: {failed}", hint="run the code again") from failed
