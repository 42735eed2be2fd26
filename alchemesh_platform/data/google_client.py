"""Clients of Google Cloud for a product's code, which sign in as its own account."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from alchemesh_platform.base.packages.extras import install_command
from alchemesh_platform.data.errors import DataError

T = TypeVar("T")


def signed_in(package: str, make: Callable[[], T], error: type[DataError], doing: str) -> T:
    """Make a client.

    Args:
        package: The package of the client.
        make: Imports and makes it.
        error: The error to raise.
        doing: The beginning of its message.

    Raises:
        DataError: when the client is not installed, or finds no credentials.
    """
    try:
        from google.auth.exceptions import DefaultCredentialsError

        try:
            return make()
        except DefaultCredentialsError as missing:
            raise error(
                f"{doing}: there are no credentials for Google Cloud here",
                hint="`gcloud auth application-default login`",
            ) from missing
    except ImportError as missing:
        raise error(
            f"{doing}: {package} is not installed here", hint=f"`{install_command('alchemesh-platform[gcp]')}`"
        ) from missing
