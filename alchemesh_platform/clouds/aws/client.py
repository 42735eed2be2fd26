"""Addresses of objects in S3, and Amazon's clients."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

SCHEME = "s3://"
CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 5, 30, 5
ENDPOINT = "AWS_ENDPOINT_URL"  # names an emulated AWS; Amazon's own clients read it too


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket, or a folder in it."""

    bucket: str
    folder: str  # empty, or with a slash at its end

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.folder}"


def place_of(url: str, folder: str = "") -> Place:
    """The bucket and the folder of an address: ``s3://bucket/folder``."""
    parts = urlsplit(url)
    inside = "/".join(part for part in (parts.path.strip("/"), folder.strip("/")) if part)
    return Place(parts.netloc, f"{inside}/" if inside else "")


def client_of(
    service: str,
    environ: Mapping[str, str] = os.environ,
    *,
    region: str | None = None,
    profile: str | None = None,
    role: str | None = None,
    attempts: int = ATTEMPTS,
) -> Any:
    """A client of a service, which signs in as the credentials of the environment variables, or of their chain.

    Args:
        service: ``s3``, ``glue``.
        environ: Environment variables.
        region: The region; by default that of the variables.
        profile: A profile of the shared credentials file.
        role: ARN of a role to assume.
        attempts: Attempts of a request that the service throttles or does not answer.

    Raises:
        ImportError: when boto3 is not installed.
        botocore.exceptions.BotoCoreError: when there is no region or no such profile.
    """
    import boto3
    from botocore.config import Config
    from botocore.session import Session as BotocoreSession

    here = region or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    own = environ is os.environ
    # Given credentials are complete: a profile of this process, which may be unknown here, does not change them.
    given = not own and bool(environ.get("AWS_ACCESS_KEY_ID")) and profile is None
    session = boto3.session.Session(
        botocore_session=BotocoreSession(session_vars={"profile": (None, None, None, None)}) if given else None,
        aws_access_key_id=None if own else environ.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=None if own else environ.get("AWS_SECRET_ACCESS_KEY"),
        aws_session_token=None if own else environ.get("AWS_SESSION_TOKEN"),
        region_name=here,
        profile_name=profile,
    )
    endpoint = environ.get(ENDPOINT)
    options: dict[str, Any] = {
        "endpoint_url": endpoint,
        "config": Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": attempts},
            s3={"addressing_style": "path"} if endpoint else None,
        ),
    }
    if role is not None:
        given = session.client("sts", **options).assume_role(RoleArn=role, RoleSessionName="alchemesh")["Credentials"]
        session = boto3.session.Session(
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
            region_name=here,
        )
    return session.client(service, **options)
