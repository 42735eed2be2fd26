"""The services of an environment: those of AWS, or their emulator on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.packages.extras import install_command
from alchemesh_platform.clouds.aws.client import ENDPOINT, client_of

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform

SIGN_IN = "`aws sso login`, or set AWS_PROFILE or AWS_ACCESS_KEY_ID"
LOOK_ATTEMPTS = 2  # a look has a time limit, and can be repeated
NOT_FOUND = frozenset(
    {
        "404",
        "EntityNotFoundException",
        "NoSuchBucket",
        "NoSuchEntity",
        "NoSuchKey",
        "NotFound",
        "ResourceNotFoundException",
    }
)
FORBIDDEN = frozenset({"403", "AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})


class Missing(Failure):
    """Raised when an object does not exist."""


class Refused(Failure):
    """Raised when AWS refuses a request for lack of a right."""


class SignInFailed(Failure):
    """Raised when this machine has no credentials for AWS, or they no longer work."""


def service_of(service: str, environ: Mapping[str, str]) -> Any:
    """A client for a look: of AWS, or of the emulated one that a variable names.

    Raises:
        Failure: when boto3 is not installed, or there is no region.
    """
    with answered(service):
        return client_of(service, environ, attempts=LOOK_ATTEMPTS)


def service(platform: Platform, name: str) -> Any:
    """A client of an environment, with the profile and the role of the platform file.

    Raises:
        Missing: when the environment is emulated, and nothing was deployed to it yet.
        Failure: when boto3 is not installed, or the sign-in fails.
    """
    settings = platform.settings.get("aws") or {}
    with answered(name):
        if platform.emulated:
            variables = emulated_variables(platform)
            if not variables.get(ENDPOINT):  # never ask the real services for an emulated object
                raise Missing("nothing was deployed to the emulated AWS yet")
            return client_of(name, variables, region=settings.get("region"))
        return client_of(
            name,
            os.environ,
            region=settings.get("region"),
            profile=settings.get("profile"),
            role=settings.get("role"),
        )


def emulated_variables(platform: Platform) -> Mapping[str, str]:
    """The variables that point Amazon's clients to the emulated AWS of an environment."""
    from alchemesh_platform.base.packages.reference import load_reference
    from alchemesh_platform.clouds.aws.system import SYSTEM

    if SYSTEM.emulation is None:
        return {}
    emulation: Any = load_reference(SYSTEM.emulation)
    variables: Mapping[str, str] = emulation.variables(Path(platform.home, platform.environment))
    return variables


def code_of(error: Any) -> str:
    """The code of an error that a service answered: ``NoSuchBucket``."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def answered(what: str) -> Iterator[None]:
    """Turn errors of Amazon's clients into failures.

    Args:
        what: The object, for messages.

    Raises:
        Missing: when the object does not exist.
        Refused: when a right is missing.
        SignInFailed: when there are no credentials, or they no longer work.
        Failure: when the service does not answer, or reports another error.
    """
    try:
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            NoCredentialsError,
            PartialCredentialsError,
            ProfileNotFound,
            SSOError,
        )
    except ImportError as error:
        raise SignInFailed("boto3 is not installed", hint=install_command("alchemesh-platform[aws]")) from error
    try:
        yield
    except ClientError as error:
        code = code_of(error)
        message = str(error.response.get("Error", {}).get("Message") or code)
        if code in NOT_FOUND:
            raise Missing(f"{what}: {message}") from error
        if code in FORBIDDEN:
            raise Refused(f"{what}: {message}") from error
        if code in {"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"}:
            raise SignInFailed(f"AWS refuses the credentials of this shell: {message}", hint=SIGN_IN) from error
        raise Failure(f"{what}: {message}") from error
    except (NoCredentialsError, PartialCredentialsError, ProfileNotFound, SSOError) as error:
        raise SignInFailed(f"AWS: {error}", hint=SIGN_IN) from error
    except BotoCoreError as error:
        raise Failure(f"AWS does not answer: {error}") from error
