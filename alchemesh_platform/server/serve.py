"""Run the server in the foreground, until it is stopped."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.packages.extras import PACKAGE, install_command, missing_extras
from alchemesh_platform.base.remedy import remedy

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

    from alchemesh_platform.platform_file.models import Platform

EXTRA = f"{PACKAGE}[server]"
PORT = 8420


class CannotServe(Failure):
    """Raised when the server cannot start; gives the reason and the remedy."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Listening:
    """The place where the server listens.

    Args:
        host: An address of this machine.
        port: A port; 0 for a free one.
        certificate: File of a TLS certificate, in PEM.
        key: File of its private key.
        behind_proxy: Whether a proxy in front of it speaks TLS with the clients.
    """

    host: str = "127.0.0.1"
    port: int = PORT
    certificate: Path | None = None
    key: Path | None = None
    behind_proxy: bool = False


def serve(platform: Platform, where: Listening, started: Callable[[str], None] = lambda _address: None) -> None:
    """Serve an environment until the process is stopped. Requests in progress are answered first.

    Args:
        platform: The environment.
        where: The place where it listens.
        started: Receives the address once the server listens.

    Raises:
        CannotServe: when a library is missing, callers cannot be identified, or the place cannot be used.
        RegistryUnavailable: when the registry cannot be opened.
    """
    if missing_extras([EXTRA]):
        raise CannotServe("the server needs libraries that are not installed", hint=f"`{install_command(EXTRA)}`")
    _check_identity(platform)
    _check_place(where)
    import uvicorn

    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.server.api import create_api

    Registry.open(platform.registry).close()  # migrated here, once
    api = create_api(platform, lambda: Registry.open(platform.registry, migrate=False, create=False))
    listener = _listen(where)
    scheme = "https" if where.certificate is not None else "http"
    host, port = listener.getsockname()[:2]
    with listener:
        started(f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}")
        config = config_of(api, where)
        uvicorn.Server(config).run(sockets=[listener])


def config_of(api: ASGIApp, where: Listening) -> uvicorn.Config:
    """The settings of the web server."""
    import uvicorn

    from alchemesh_platform.server.limits import CONNECTIONS_MAX, ImpatientProtocol

    return uvicorn.Config(
        api,
        log_level="warning",
        access_log=False,
        http=ImpatientProtocol,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_graceful_shutdown=10,
        ssl_certfile=where.certificate,
        ssl_keyfile=where.key,
        server_header=False,
    )


def _check_identity(platform: Platform) -> None:
    if platform.identity.provider == "oidc":
        return
    raise CannotServe(
        f"environment {platform.environment} has no identity provider, so the server cannot identify its callers",
        hint=remedy("set {} in the platform file, with issuer and audience", "identity.provider: oidc"),
    )


def _check_place(where: Listening) -> None:
    if (where.certificate is None) != (where.key is None):
        raise CannotServe("a TLS certificate needs its private key", hint="give --tls-certificate and --tls-key")
    for file in (where.certificate, where.key):
        if file is not None and not file.is_file():
            raise CannotServe(f"there is no file {file}", hint="give the certificate and the key in PEM")
    if where.certificate is None and not where.behind_proxy and not _is_loopback(where.host):
        raise CannotServe(
            f"{where.host} can be reached by other machines, and tokens would cross the network in clear",
            hint="give --tls-certificate and --tls-key, or --behind-proxy if a proxy speaks TLS with the clients",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listen(where: Listening) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in where.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((where.host, where.port))
        listener.listen(128)
    except OSError as error:
        raise CannotServe(
            f"cannot listen on {where.host}:{where.port}: {error.strerror}",
            hint="choose another port with --port, or 0 for a free one",
        ) from error
    return listener
