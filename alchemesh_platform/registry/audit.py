"""The audit log: an append-only chain of acts in the registry that can be verified.

Each act contains the digest of the act before it. A later change, deletion or insertion of an act therefore breaks the
chain.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import insert, select

from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.registry.tables import acts
from alchemesh_platform.registry.unavailable import RecordDamaged

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry

TURN = "acts"  # name of the lock: one writer at a time adds to the chain
BEGINNING = "0" * 64  # the digest before the first act
_LOOKED_UP = ("at", "environment", "product", "operation", "actor")
BATCH = 1000  # number of acts in one read
OVERRIDE = "contract override"  # the operation of acts that override a notice period

CLOCK_SLACK = timedelta(minutes=5)  # the clocks of machines that share a registry differ


class Act(BaseModel):
    """One act of a user."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    environment: str
    product: str = Field(default="", description="Address of the product concerned.")
    operation: str = Field(description="Operation: access approve, contract notice, contract override, mesh apply, …")
    address: str = Field(description="Address of the changed thing.")
    actor: str = Field(description="Subject of the acting identity.")
    issuer: str = Field(description="Issuer of that identity.")
    reason: str = ""
    detail: dict[str, Any] = Field(default_factory=dict)
    at: datetime = Field(default_factory=lambda: datetime.now(UTC))


def record_act(registry: Registry, act: Act) -> None:
    """Add an act to the end of the chain. A transaction of the registry commits it or rolls it back."""
    with registry.transaction(TURN) as turn, turn.writing() as connection:
        last = connection.execute(select(acts.c.number, acts.c.digest).order_by(acts.c.number.desc()).limit(1)).first()
        number, before = (last.number, last.digest) if last is not None else (0, BEGINNING)
        document = act.model_dump_json()
        connection.execute(
            insert(acts).values(
                number=number + 1,
                at=act.at,
                environment=act.environment,
                product=act.product,
                operation=act.operation,
                actor=act.actor,
                document=document,
                digest=digest_of(before, document),
            )
        )


@dataclass(frozen=True, slots=True)
class Link:
    """An act with its place in the chain."""

    number: int
    act: Act
    digest: str

    def as_json(self) -> dict[str, Any]:
        """The link as one JSON object."""
        return {"number": self.number, **self.act.model_dump(mode="json"), "digest": self.digest}


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of verifying the chain.

    Args:
        acts: Number of acts.
        broken: Numbers of the acts that break the chain.
        head: Digest of the last act. Keep it elsewhere to prove later that no act was removed from the end. The chain
            alone cannot prove that.
        moved_clock: Numbers of the acts that are earlier than the act before them: a clock was moved.
        expect: The requested digest.
        expected_at: Number of the act with the requested digest; None if there is none.
    """

    acts: int
    broken: tuple[int, ...]
    head: str
    moved_clock: tuple[int, ...] = ()
    expect: str | None = None
    expected_at: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether no act breaks the chain, and an act has the requested digest."""
        return not self.broken and (self.expect is None or self.expected_at is not None)

    def as_json(self) -> dict[str, Any]:
        """The result as one JSON object."""
        return {
            "acts": self.acts,
            "broken": list(self.broken),
            "head": self.head,
            "moved_clock": list(self.moved_clock),
            "expect": self.expect,
            "expected_at": self.expected_at,
            "whole": self.is_whole,
        }


def check_chain(registry: Registry, expect: str | None = None) -> Checked:
    """Read the whole chain, and verify each act against the one before it.

    Args:
        expect: A digest that was once the head. Some act must have it.
    """
    before, number, found, total = BEGINNING, 0, None, 0
    broken: list[int] = []
    moved: list[int] = []
    latest: datetime | None = None
    with registry.reading() as connection:
        rows = connection.execution_options(yield_per=BATCH).execute(select(acts).order_by(acts.c.number))
        for row in rows:
            total += 1
            if row.number != number + 1 or row.digest != digest_of(before, row.document) or not _agrees(row):
                broken.append(row.number)
            if row.digest == expect:
                found = row.number
            before, number = row.digest, row.number
            if latest is not None and row.at < latest - CLOCK_SLACK:
                moved.append(row.number)
            latest = row.at
    return Checked(total, tuple(broken), before, tuple(moved), expect, 0 if expect == BEGINNING else found)


def _agrees(row: Any) -> bool:
    """Whether the index columns of an act match it: no digest covers them."""
    try:
        act = Act.model_validate_json(row.document)
    except ValueError:
        return False
    return all(getattr(row, name) == getattr(act, name) for name in _LOOKED_UP)


def links(
    registry: Registry, environment: str | None = None, product: str | None = None, *, limit: int | None = None
) -> list[Link]:
    """The acts, newest first, each with its place in the chain."""
    query = select(acts.c.number, acts.c.document, acts.c.digest)
    if environment is not None:
        query = query.where(acts.c.environment == environment)
    if product is not None:
        query = query.where(acts.c.product == product)
    with registry.reading() as connection:
        rows = connection.execute(query.order_by(acts.c.number.desc()).limit(limit)).all()
    return [Link(row.number, _read_act(row.number, row.document), row.digest) for row in rows]


def _read_act(number: int, document: str) -> Act:
    try:
        return Act.model_validate_json(document)
    except ValueError as error:
        raise RecordDamaged(
            f"the registry holds a damaged record: act {number} of the audit log cannot be decoded",
            hint=remedy("{} lists damaged acts; restore a backup of the registry", command("mesh", "audit", "--check")),
        ) from error


def acts_of(
    registry: Registry, environment: str | None = None, product: str | None = None, *, limit: int | None = None
) -> list[Act]:
    """The acts, newest first."""
    return [link.act for link in links(registry, environment, product, limit=limit)]


def broken_links(registry: Registry) -> Iterator[int]:
    """Numbers of the acts that break the chain; none if the chain is intact."""
    yield from check_chain(registry).broken


def digest_of(before: str, document: str) -> str:
    """SHA-256, hexadecimal, of the previous digest and a document."""
    return hashlib.sha256(f"{before}\n{document}".encode()).hexdigest()
