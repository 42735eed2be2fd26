"""Who did what: a chain of acts in the registry, to which things are only added, and which can be checked.

Each act carries the digest of the one before it, so that an act that was changed, taken out or put in between later
does not fit the chain any more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import insert, select

from alchemesh_platform.registry.tables import acts

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry

TURN = "acts"  # one at a time adds to the chain
BEGINNING = "0" * 64  # what the first act follows


class Act(BaseModel):
    """One thing that somebody did."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    environment: str
    product: str = Field(default="", description="Address of the product that it is about.")
    operation: str = Field(description="What was done: access approve, contract notice, override, mesh apply, …")
    address: str = Field(description="What it was done to.")
    actor: str = Field(description="Subject of the identity that did it.")
    issuer: str = Field(description="Who vouches for that identity.")
    reason: str = ""
    detail: dict[str, Any] = Field(default_factory=dict)
    at: datetime = Field(default_factory=lambda: datetime.now(UTC))


def record_act(registry: Registry, act: Act) -> None:
    """Add an act to the end of the chain; within a transaction of the registry it stands or falls with it."""
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


def acts_of(
    registry: Registry, environment: str | None = None, product: str | None = None, *, limit: int | None = None
) -> list[Act]:
    """What was done, newest first."""
    query = select(acts.c.document)
    if environment is not None:
        query = query.where(acts.c.environment == environment)
    if product is not None:
        query = query.where(acts.c.product == product)
    with registry.reading() as connection:
        documents = connection.execute(query.order_by(acts.c.number.desc()).limit(limit)).scalars().all()
    return [Act.model_validate_json(document) for document in documents]


def broken_links(registry: Registry) -> Iterator[int]:
    """Numbers of the acts that do not fit the chain; none when nobody has touched it."""
    before, expected = BEGINNING, 1
    with registry.reading() as connection:
        for number, document, digest in connection.execute(
            select(acts.c.number, acts.c.document, acts.c.digest).order_by(acts.c.number)
        ):
            if number != expected or digest != digest_of(before, document):
                yield number
            before, expected = digest, number + 1


def digest_of(before: str, document: str) -> str:
    """SHA-256, hexadecimal, of the digest before and a document."""
    return hashlib.sha256(f"{before}\n{document}".encode()).hexdigest()
