"""Formats of rows, chosen by the header Accept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from alchemesh_platform.systems.local.data_api.http.problems import Problem


class Format(StrEnum):
    """A format of rows, with its media type."""

    JSON = "application/json"
    NDJSON = "application/x-ndjson"
    CSV = "text/csv; charset=utf-8; header=present"
    ARROW = "application/vnd.apache.arrow.stream"
    PARQUET = "application/vnd.apache.parquet"


# The first name of a format is its own. roapi's names are kept for its clients.
NAMES = {
    Format.JSON: ("application/json",),
    Format.NDJSON: ("application/x-ndjson", "application/jsonl", "application/ndjson"),
    Format.CSV: ("text/csv", "application/csv"),
    Format.ARROW: ("application/vnd.apache.arrow.stream",),
    Format.PARQUET: ("application/vnd.apache.parquet", "application/parquet"),
}
_ACCEPT_MAX = 2_000


@dataclass(frozen=True, slots=True)
class _Range:
    media: str
    quality: float

    def takes(self, name: str) -> bool:
        """Whether it includes a media type."""
        kind, _, subtype = self.media.partition("/")
        return self.media in (name, "*/*", "*") or (subtype == "*" and name.startswith(f"{kind}/"))


def chosen(accept: str | None, allowed: Sequence[Format] = tuple(Format)) -> Format:
    """The format that a client likes best: JSON if it has no preference.

    Raises:
        Problem: when it accepts none of them.
    """
    if accept is None or not accept.strip():
        return allowed[0]
    ranges = [_range(part) for part in accept[:_ACCEPT_MAX].split(",")]
    best: tuple[float, Format] | None = None
    for format_ in allowed:
        names = NAMES[format_]
        exact = [each.quality for each in ranges if each.media in names]
        qualities = exact or [each.quality for each in ranges if each.takes(names[0])]
        if qualities and max(qualities) > 0 and (best is None or max(qualities) > best[0]):
            best = (max(qualities), format_)
    if best is None:
        raise Problem(
            HTTPStatus.NOT_ACCEPTABLE,
            f"Accept: found {accept[:100]!r}, which is no format of this API",
            parameter="Accept",
            hint=f"accept one of {', '.join(NAMES[each][0] for each in allowed)}",
        )
    return best[1]


def _range(text: str) -> _Range:
    media, *parameters = (part.strip() for part in text.split(";"))
    quality = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                quality = min(1.0, max(0.0, float(value)))
            except ValueError:
                quality = 0.0
    return _Range(media.lower(), quality)
