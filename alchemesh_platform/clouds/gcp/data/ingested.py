"""Rows of the objects that an ingestion wrote into a bucket, checked and typed when the code reads them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.clouds.gcp.data.buckets import Place, client_of, download, place_of, source_objects
from alchemesh_platform.data.backend import Source
from alchemesh_platform.data.errors import NotReadable
from alchemesh_platform.data.rows import Rows, needs


def read_ingested(source: Source) -> Rows:
    """The rows of all objects of an input port, at this moment.

    Raises:
        NotReadable: when there is no object, or one does not fit the schema that the port declares. The message names
            the object, the line and the reason, as an ingestion of files on this machine does.
    """
    place = f"input port {source.port!r}"
    needs("duckdb", "alchemesh-platform[gcp]")
    from alchemesh_platform.systems.local.landing.on_read import ReadFile, landed_objects

    where = place_of(source.connection.url, (source.connection.reading or {}).get("folder", ""))

    def fetch(folder: Path) -> list[ReadFile]:
        with reading(place, where):
            client = client_of(NotReadable, place)
            return [
                ReadFile(download(blob, folder, number), f"gs://{where.bucket}/{blob.name}")
                for number, blob in enumerate(source_objects(client, where))
            ]

    return landed_objects(source, str(where), fetch)


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
