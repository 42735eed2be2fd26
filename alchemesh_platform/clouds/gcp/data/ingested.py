"""Rows of the objects that an ingestion wrote into a bucket, checked and typed when the code reads them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.clouds.gcp.data.buckets import Place, client_of, download, place_of, source_objects
from alchemesh_platform.data.backend import Source
from alchemesh_platform.data.errors import NotReadable
from alchemesh_platform.data.rows import Rows, needs
from alchemesh_platform.sdk.connections.files import FilesConnection

_numbers = count(1)


def read_ingested(source: Source) -> Rows:
    """The rows of all objects of an input port, at this moment.

    Raises:
        NotReadable: when there is no object, or one does not fit the schema that the port declares. The message names
            the object, the line and the reason, as an ingestion of files on this machine does.
    """
    place = f"input port {source.port!r}"
    connection = source.connection
    options = dict(connection.reading or {})
    needs("duckdb", "alchemesh-platform[gcp]")
    from alchemesh_platform.systems.local.data.landed import landed_rows
    from alchemesh_platform.systems.local.landing.on_read import ReadFile, landed_for_reading, own_folder

    where = place_of(connection.url, options.pop("folder", ""))
    folder = own_folder() / f"{next(_numbers)}"
    sources = folder / "objects"
    sources.mkdir(parents=True)
    with reading(place, where):
        client = client_of(NotReadable, place)
        files = [
            ReadFile(download(blob, sources, number), f"gs://{where.bucket}/{blob.name}")
            for number, blob in enumerate(source_objects(client, where))
        ]
    landing = folder / "landed"
    local = replace(source, connection=FilesConnection(url=landing.as_uri(), format="parquet"))
    if not files:
        if source.declared is None:
            raise NotReadable(
                f"{place}: no object has arrived yet in {where}", hint="run the code again when its first file is there"
            )
        landing.mkdir()
        return landed_rows(local)
    try:
        landed_for_reading(files, landing, connection.format or "parquet", options, source.declared)
    except Failure as error:
        raise NotReadable(f"{place}: {error.message}", hint=error.hint) from error
    return landed_rows(local)


@contextmanager
def reading(doing: str, where: Place) -> Iterator[None]:
    """Turn errors of Cloud Storage into those of this port."""
    from google.api_core.exceptions import Forbidden, GoogleAPIError, NotFound
    from google.auth.exceptions import GoogleAuthError

    try:
        yield
    except NotFound as error:
        raise NotReadable(f"{doing}: {where} or an object in it is missing", hint="run the code again") from error
    except Forbidden as error:
        raise NotReadable(
            f"{doing}: the account of this code may not read {where}",
            hint=remedy("{} gives it the right", command("up", about_product=True)),
        ) from error
    except (GoogleAPIError, GoogleAuthError) as error:
        raise NotReadable(f"{doing}: {where} cannot be read: {error}", hint="run the code again") from error
