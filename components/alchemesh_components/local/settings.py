"""Settings for the embedded local platform."""

from __future__ import annotations

from pydantic import Field

from alchemesh_platform.sdk.models import Strict


class LocalSettings(Strict):
    """Where the local platform keeps things, and what it listens on."""

    root: str = Field(description="Folder of the data: <root>/<domain>/<product>/<port>.")
    run: str = Field(description="Folder of running processes and job descriptions.")
    host: str = Field(default="127.0.0.1", description="Address that servers listen on.")
    python: str | None = Field(
        default=None, description="Python interpreter of jobs; by default the one that runs alchemesh."
    )
    postgresql: str | None = Field(
        default=None,
        description="Folder of `postgres` and `initdb`, 15 or newer, such as /usr/lib/postgresql/17/bin; by default "
        "the installed package's.",
    )
    allow_unenclosed: tuple[str, ...] = Field(
        default=(),
        description="Ports (`domain/product/port`) whose data API may run without an enclosure on a machine that "
        "cannot provide one. Its servers can then read the files of their user.",
    )


class Settings(Strict):
    """Settings groups of the local components."""

    local: LocalSettings = Field(description="The embedded local platform.")
