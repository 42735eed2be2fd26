"""Notices as they are recorded: what consumers of a port were told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from alchemesh_platform.contracts.notice import Notice, NoticeOf
from alchemesh_platform.registry.records import NoticeRecord

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry


@dataclass(frozen=True, slots=True)
class GivenNotice:
    """A notice that stands.

    Args:
        port: Address of the port.
        notice: What was told, and when.
        given_by: Who told it.
        message: In their own words.
    """

    port: str
    notice: Notice
    given_by: str
    message: str = ""


def notice_address(port: str, what: str, version: str) -> str:
    """``domain/product/port#removal@1.2.0``."""
    return f"{port}#{what}@{version}"


def notices_on(registry: Registry, environment: str, product: str) -> dict[str, list[GivenNotice]]:
    """Address of a port of the product: the notices that stand, the first given first."""
    found: dict[str, list[GivenNotice]] = {}
    records = registry.all(NoticeRecord, environment, product)
    for record in sorted(records, key=lambda record: (record.given_at, record.address)):
        found.setdefault(record.port, []).append(given(record))
    return found


def given(record: NoticeRecord) -> GivenNotice:
    """A recorded notice."""
    notice = Notice(
        cast("NoticeOf", record.what), record.version, record.given_at, timedelta(seconds=record.period_seconds)
    )
    return GivenNotice(record.port, notice, record.given_by, record.message)
