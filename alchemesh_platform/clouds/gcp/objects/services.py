"""The services of an environment: those of Google Cloud, or their emulators on this machine.

Google's own clients cannot be imported together with Pulumi's SDK: both register ``google.rpc.Status`` with protobuf.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.packages.extras import install_command
from alchemesh_platform.clouds.gcp.emulation.api.bigquery import BigQueryRest
from alchemesh_platform.clouds.gcp.emulation.api.rest import Rest
from alchemesh_platform.clouds.gcp.emulation.api.storage import StorageRest
from alchemesh_platform.clouds.gcp.emulation.environment import CLOUD_VARIABLE
from alchemesh_platform.clouds.gcp.emulation.servers.servers import VARIABLES
from alchemesh_platform.clouds.gcp.emulation.world import BIGQUERY, STORAGE
from alchemesh_platform.engine.state.object_store import GOOGLE_SIGN_IN

if TYPE_CHECKING:
    from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators
    from alchemesh_platform.clouds.gcp.emulation.store import Store
    from alchemesh_platform.platform_file.models import Platform

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
STORAGE_URL = "https://storage.googleapis.com"
BIGQUERY_URL = "https://bigquery.googleapis.com"
PUBSUB_URL = "https://pubsub.googleapis.com"


class SignInFailed(Failure):
    """Raised when this machine has no credentials for Google Cloud, or they no longer work."""


@dataclass(frozen=True, slots=True)
class Emulated:
    """The emulated cloud of an environment.

    Args:
        store: Its resources.
        emulators: The servers of its data.
    """

    store: Store
    emulators: Emulators

    def has(self, service: str) -> bool:
        """Whether a service has an emulator with data. An emulator that no run started is not started for a look."""
        return (self.emulators.folder / service).is_dir()


def emulated(platform: Platform) -> Emulated | None:
    """The emulated cloud of an environment; None for the real one."""
    if not platform.emulated:
        return None
    from alchemesh_platform.clouds.gcp.emulation.environment import emulators_of
    from alchemesh_platform.clouds.gcp.emulation.store import Store

    emulators = emulators_of(platform)
    return Emulated(Store(emulators.folder), emulators)


def storage(platform: Platform) -> StorageRest:
    """Cloud Storage."""
    here = emulated(platform)
    if here is not None:
        return StorageRest("Cloud Storage", here.emulators.address_of(STORAGE))
    return StorageRest("Cloud Storage", STORAGE_URL, access_token)


def bigquery(platform: Platform) -> BigQueryRest:
    """BigQuery."""
    here = emulated(platform)
    if here is not None:
        return BigQueryRest("BigQuery", here.emulators.address_of(BIGQUERY))
    return BigQueryRest("BigQuery", BIGQUERY_URL, access_token)


def storage_of(environ: Mapping[str, str]) -> StorageRest:
    """Cloud Storage, or its emulator if a variable names it, as for Google's own clients."""
    emulator = environ.get(VARIABLES[STORAGE])
    if emulator:
        return StorageRest("Cloud Storage", _with_scheme(emulator))
    return StorageRest("Cloud Storage", STORAGE_URL, access_token)


def bigquery_of(environ: Mapping[str, str]) -> BigQueryRest:
    """BigQuery, or its emulator if a variable names it, as for Google's own clients."""
    emulator = environ.get(VARIABLES[BIGQUERY])
    if emulator:
        return BigQueryRest("BigQuery", _with_scheme(emulator))
    return BigQueryRest("BigQuery", BIGQUERY_URL, access_token)


def topic_exists(name: str, environ: Mapping[str, str]) -> bool:
    """Whether a topic of Pub/Sub exists: ``projects/PROJECT/topics/NAME``. No emulator has topics; the store does."""
    cloud = environ.get(CLOUD_VARIABLE)
    if cloud:
        from alchemesh_platform.clouds.gcp.emulation.store import Store

        return Store(Path(cloud)).get("gcp:pubsub/topic:Topic", name) is not None
    return service_at(PUBSUB_URL).found(f"/v1/{quote(name)}") is not None


def _with_scheme(address: str) -> str:
    return address if "://" in address else f"http://{address}"


def service_at(url: str) -> Rest:
    """A service of the real Google Cloud."""
    return Rest(url.removeprefix("https://"), url, access_token)


def access_token() -> str:
    """A token of the credentials that Pulumi's provider uses too.

    Source: https://cloud.google.com/docs/authentication/application-default-credentials

    Raises:
        SignInFailed: when there are none, or they no longer work.
    """
    try:
        from google.auth.exceptions import GoogleAuthError
        from google.auth.transport.requests import Request
    except ImportError as error:
        raise SignInFailed("google-auth is not installed", hint=install_command("alchemesh-platform[gcp]")) from error
    try:
        credentials = _credentials()
        if not credentials.valid:
            credentials.refresh(Request())
    except GoogleAuthError as error:
        raise SignInFailed(f"Google Cloud: {error}".splitlines()[0], hint=GOOGLE_SIGN_IN) from error
    return str(credentials.token)


@cache
def _credentials() -> Any:
    import google.auth

    return google.auth.default(scopes=[SCOPE])[0]
