"""Why a value does not fit its declared column, in words."""

from __future__ import annotations

from alchemesh_platform.machine.landing.conversion import Forms
from alchemesh_platform.machine.landing.source_columns import SourceColumn
from alchemesh_platform.manifest.models import LogicalType


def misfit_reason(declared: SourceColumn, text: str, reading: Forms) -> tuple[str, str]:
    """The reason why a value does not fit its column, and the change that fixes it.

    Args:
        declared: The column.
        text: The value, as text.
        reading: Forms of values whose property does not say more.
    """
    fix = f"fix the row, or the schema of column {declared.name}"
    kind = declared.type
    form = declared.format or reading.form_of(kind)
    if kind is LogicalType.TIMESTAMP:
        zone = declared.time_zone or reading.time_zone
        if zone is None and _has_clock(text) and not _has_zone(text):
            return "a timestamp without a time zone", "set `time_zone` for the port, as in `time_zone: Europe/Berlin`"
        if zone is not None and _has_clock(text) and not _has_zone(text) and form is None:
            return (
                f"no timestamp, or a time that occurs twice or never in {zone}",
                "fix the row, or set `on_ambiguous_time: earlier` or `later`",
            )
    if kind is LogicalType.NUMBER and declared.precision is not None:
        return f"no number of {declared.precision} digits with {declared.scale or 0} decimals{_range(declared)}", fix
    if kind is LogicalType.NUMBER and sum(map(str.isdigit, text)) > 15:  # noqa: PLR2004 - digits of a double
        return "no number, or has more digits than a number holds", "set `precision` and `scale` for the column"
    if declared.enum is not None:
        return f"no {kind.value} of the enum", fix
    if declared.pattern is not None:
        return f"no {kind.value} that matches the pattern", fix
    expected = (f"{kind.value} of the form {form}" if form is not None else kind.value) + _range(declared)
    if kind in {LogicalType.DATE, LogicalType.TIMESTAMP} and form is None:
        name = "date_format" if kind is LogicalType.DATE else "timestamp_format"
        return f"no {expected}", f"fix the row, or set `format` for the column or `{name}` for the port"
    return f"no {expected}", fix


def _range(declared: SourceColumn) -> str:
    bounds = ((declared.minimum, "at least"), (declared.maximum, "at most"))
    words = [f"{word} {bound}" for bound, word in bounds if bound is not None]
    return f" that is {' and '.join(words)}" if words else ""


def _has_clock(text: str) -> bool:
    return ":" in text


def _has_zone(text: str) -> bool:
    clock = text.partition(":")[2]
    return any(sign in clock for sign in "+-Z")
