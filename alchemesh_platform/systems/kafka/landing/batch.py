"""A batch of messages of one partition: its rows, its dead letters, and the names of its files."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from alchemesh_platform.machine.landing.json_numbers import Real, exact, exact_text

# Columns that every landed row has in addition to its message: the position, the time of writing, and the key.
PARTITION, OFFSET, TIMESTAMP, KEY = "_partition", "_offset", "_timestamp", "_key"
OWN = (PARTITION, OFFSET, TIMESTAMP, KEY)  # compared without case, like the columns of a table
OFFSET_DIGITS = 19  # an offset is a signed 64-bit integer; padded names sort like offsets
TOPIC_ID_LENGTH = 8
MOST_NESTED = 100  # levels of objects and lists in a message
_NAME = re.compile(r"^(?P<topic>.+)\.(?P<id>[\w-]{8})\.(?P<partition>\d+)\.(?P<first>\d{19})-(?P<last>\d{19})$")


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it was read; the timestamp is in milliseconds since 1970, None when the broker has none."""

    offset: int
    value: bytes | None
    key: bytes | None = None
    timestamp: int | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets of one partition of one topic, first and last included.

    ``topic_id`` distinguishes a topic from an earlier topic of the same name, which also counted from zero.
    """

    topic: str
    topic_id: str
    partition: int
    first: int
    last: int

    @property
    def stem(self) -> str:
        """The name of the span's files, without suffix."""
        return (
            f"{self.topic}.{self.topic_id}.{self.partition}.{self.first:0{OFFSET_DIGITS}}-{self.last:0{OFFSET_DIGITS}}"
        )


def short_id(topic_id: str) -> str:
    """The beginning of a topic's id, made safe for a file name: librdkafka writes plain base64, with / and +."""
    return topic_id.translate(str.maketrans("+/", "-_"))[:TOPIC_ID_LENGTH]


def span_of(stem: str) -> Span | None:
    """The span in a file's name; None if the name holds no span."""
    found = _NAME.match(stem)
    if found is None:
        return None
    return Span(found["topic"], found["id"], int(found["partition"]), int(found["first"]), int(found["last"]))


@dataclass(frozen=True, slots=True)
class Row:
    """One message that is an object: its exact values, and the landing's own columns."""

    values: Mapping[str, Any]
    origin: Mapping[str, Any]

    @property
    def offset(self) -> int:
        """The offset of the message."""
        return int(self.origin[OFFSET])


@dataclass(slots=True)
class Sorted:
    """Sorted messages: rows, and dead letters as lines of JSON with the reason."""

    rows: list[Row] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)


def sort_messages(partition: int, messages: Iterable[Message]) -> Sorted:
    """Sort messages into rows (one JSON object each) and dead letters.

    A message without a value, a deletion, is neither.
    """
    done = Sorted()
    for message in messages:
        if message.value is None:
            continue
        try:
            done.rows.append(Row(_values(message.value), _origin(partition, message)))
        except (ValueError, RecursionError) as error:  # errors of JSON and Unicode are subclasses of ValueError
            done.dead.append(_letter(partition, message, str(error)))
    return done


def without(done: Sorted, partition: int, messages: Iterable[Message], refused: Mapping[int, str]) -> Sorted:
    """The same messages, with the refused rows turned into dead letters: offset and reason."""
    letters = [
        _letter(partition, message, refused[message.offset]) for message in messages if message.offset in refused
    ]
    return Sorted([row for row in done.rows if row.offset not in refused], [*done.dead, *letters])


def _values(message: bytes) -> dict[str, Any]:
    """The exact values of a message.

    Raises:
        ValueError: when it is no object, or no table can store it.
    """
    try:
        found = json.loads(message, parse_float=Real, parse_constant=_no_constant, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON ({error.msg}, column {error.colno})") from error
    if not isinstance(found, dict):
        raise ValueError(f"found {type(found).__name__}, expected an object")
    taken = [name for name in found if name.lower() in OWN]
    if taken:
        raise ValueError(f"found the name {taken[0]!r}, which is the landing's own")
    if message.count(b"{") + message.count(b"[") > MOST_NESTED and _depth(found) > MOST_NESTED:
        raise ValueError(f"its values are nested more than {MOST_NESTED} deep")
    values: dict[str, Any] = exact(found, set())
    exact_text(values).encode()  # a lone surrogate is valid JSON but not valid text
    return values


def _depth(value: Any) -> int:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if parts is None else 1 + max(map(_depth, parts), default=0)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names differ in more than capitals, as those of columns."""
    found = dict(pairs)
    if len({name.casefold() for name in found}) == len(pairs) and "" not in found:
        return found
    seen: set[str] = set()
    for name, _value in pairs:
        if not name:
            raise ValueError("found an empty name")
        if name.casefold() in seen:
            raise ValueError(f"found the name {name!r} twice; names have to differ in more than capitals")
        seen.add(name.casefold())
    return found


def _letter(partition: int, message: Message, why: str) -> str:
    return json.dumps({**_origin(partition, message), "why": why, **_raw(message.value or b"")})


def _origin(partition: int, message: Message) -> dict[str, Any]:
    key = message.key.decode("utf-8", "replace") if message.key is not None else None
    return {PARTITION: partition, OFFSET: message.offset, TIMESTAMP: message.timestamp, KEY: key}


def _raw(value: bytes) -> dict[str, str]:
    """The original message: as text if it is one, otherwise in base64."""
    try:
        return {"text": value.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode("ascii")}


def _no_constant(name: str) -> None:
    raise ValueError(f"found {name}, which JSON does not have")
