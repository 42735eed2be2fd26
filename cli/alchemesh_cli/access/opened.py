"""What every command of `alchemesh access` starts from: the requests of an environment, in the hands of who acts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alchemesh_cli.context import load_platform_for, manifest_path, place_of, product_address_of
from alchemesh_cli.context_options import with_context_options

if TYPE_CHECKING:
    from alchemesh_platform.access.requester import Requester
    from alchemesh_platform.access.requests import Requests
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.records import AccessRequestRecord
    from alchemesh_platform.registry.store import Registry

reason_option = click.option("--reason", default="", help="Why; it is kept with the decision.")


@dataclass(frozen=True, slots=True)
class Opened:
    """An environment whose registry is open, and who acts there."""

    platform: Platform
    registry: Registry
    requests: Requests


@contextmanager
def opened(directory: Path, environment: str, platform_file: Path | None) -> Iterator[Opened]:
    """Open the registry of an environment, and ask once who acts."""
    from alchemesh_platform.access.auto import auto_approval
    from alchemesh_platform.access.requests import Requests
    from alchemesh_platform.identity.identify import identify
    from alchemesh_platform.registry.store import Registry

    platform = load_platform_for(directory, environment, platform_file)
    identity = identify(platform)
    with Registry.open(platform.registry) as registry:
        auto = auto_approval(registry, environment, lambda line: click.echo(f"note: {line}", err=True))
        yield Opened(platform, registry, Requests(registry, environment, identity, auto))


def default_requester(directory: Path, environment: str, subject: str) -> Requester:
    """The product of a folder, or else who acts."""
    from alchemesh_platform.access.requester import Requester

    if manifest_path(directory).is_file():
        return Requester("data_product", product_address_of(directory, environment))
    return Requester("user", subject)


def print_request(request: AccessRequestRecord, *, as_json: bool) -> None:
    """What came of a request: its document, or a sentence and what comes next."""
    from alchemesh_cli.render.access import request_document, request_line
    from alchemesh_platform.access.states import remedy

    if as_json:
        click.echo(
            json.dumps(
                request_document(request) | place_of(request.environment).as_json(), indent=2, ensure_ascii=False
            )
        )
        return
    click.echo(request_line(request))
    click.echo(with_context_options(f"\nnext: {remedy(request)}"))
