"""Read the value and maturity of one product, or of all products of an environment, in a few queries."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from alchemesh_platform.observed.maturity import REMEMBERED_DAYS, Broken, History, Maturity, Served, maturity
from alchemesh_platform.registry.audit import OVERRIDE, Act
from alchemesh_platform.registry.records import ContractRecord, GrantRecord, ProductRecord, ValueScoreRecord
from alchemesh_platform.registry.tables import acts, changes, incidents

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry

WITHDRAWN = '%"withdrawn_at":"%'  # an incident that later reports disproved
STABLE = '%"lifecycle":"stable"%'  # matches only the key of the document: quotes inside a text are escaped


@dataclass(frozen=True, slots=True)
class Standing:
    """Value and maturity of a product, each with its explanation; None if unknown."""

    value: ValueScoreRecord | None = None
    maturity: Maturity | None = None

    @property
    def words(self) -> str:
        """``value 70, maturity 41``."""
        value = "unknown" if self.value is None else self.value.value
        mature = "unknown" if self.maturity is None else self.maturity.value
        return f"value {value}, maturity {mature}"

    def as_json(self) -> dict[str, Any]:
        """Both, as one JSON object."""
        return {
            "value": None
            if self.value is None
            else {
                "value": self.value.value,
                "deductions": [each.model_dump() for each in self.value.deductions],
                "open": list(self.value.open),
            },
            "maturity": None
            if self.maturity is None
            else {
                "value": self.maturity.value,
                "reasons": [
                    {"points": round(each.points, 1), "of": each.of, "why": each.why} for each in self.maturity.reasons
                ],
            },
        }


def standings(registry: Registry, environment: str, now: datetime, product: str | None = None) -> dict[str, Standing]:
    """Value and maturity of each product with a history or a score. All products take as many queries as one."""
    values = {record.product: record for record in registry.all(ValueScoreRecord, environment, product)}
    histories = _histories(registry, environment, now, product)
    return {
        address: Standing(values.get(address), maturity(histories.get(address), now))
        for address in sorted(values.keys() | histories.keys())
    }


def _histories(registry: Registry, environment: str, now: datetime, product: str | None) -> dict[str, History]:
    of_products = (changes.c.environment == environment, changes.c.kind == ProductRecord.kind)
    of_grants = [changes.c.environment == environment, changes.c.kind == GrantRecord.kind]
    one = [] if product is None else [changes.c.product == product]
    unstable = changes.c.document.not_like(STABLE) | (changes.c.change == "removed")
    last_unstable = (
        select(changes.c.product, func.max(changes.c.id).label("id"))
        .where(*of_products, *one, unstable)
        .group_by(changes.c.product)
        .subquery()
    )
    since = (
        select(changes.c.product, func.min(changes.c.at))
        .outerjoin(last_unstable, changes.c.product == last_unstable.c.product)
        .where(*of_products, *one, changes.c.id > func.coalesce(last_unstable.c.id, 0))
        .group_by(changes.c.product)
    )
    first = select(changes.c.product, func.min(changes.c.at)).where(*of_products, *one).group_by(changes.c.product)
    grants = (
        select(changes.c.product, changes.c.address, changes.c.change, changes.c.at)
        .where(*of_grants, *one, changes.c.change != "updated")
        .order_by(changes.c.id)
    )
    served: defaultdict[str, list[Served]] = defaultdict(list)
    open_grants: dict[str, tuple[str, int]] = {}  # product and index in `served` by grant
    broken: defaultdict[str, list[datetime]] = defaultdict(list)
    with registry.reading() as connection:
        stable_since = {row[0]: row[1] for row in connection.execute(since)}
        deployed_at = {row[0]: row[1] for row in connection.execute(first)}
        for owner, address, change, at in connection.execute(grants):
            if change == "created":
                open_grants[address] = owner, len(served[owner])
                served[owner].append(Served(at))
            elif address in open_grants:
                of, index = open_grants.pop(address)
                served[of][index] = Served(served[of][index].since, at)
    for act in broken_commitments(registry, environment, product):
        broken[act.product].append(act.at)
    measured = _incidents(registry, environment, now, product)
    return {
        address: History(
            at, stable_since.get(address), tuple(served[address]), tuple(broken[address]), tuple(measured[address])
        )
        for address, at in deployed_at.items()
    }


def _incidents(
    registry: Registry, environment: str, now: datetime, product: str | None
) -> defaultdict[str, list[Broken]]:
    """The incidents of each product that are open, or that ended while maturity remembers them."""
    table = incidents
    query = select(table.c.product, table.c.opened_at, table.c.closed_at).where(
        table.c.environment == environment,
        *([] if product is None else [table.c.product == product]),
        table.c.closed_at.is_(None) | (table.c.closed_at > now - timedelta(days=REMEMBERED_DAYS)),
        table.c.document.not_like(WITHDRAWN),
    )
    found: defaultdict[str, list[Broken]] = defaultdict(list)
    with registry.reading() as connection:
        for row in connection.execute(query):
            found[row.product].append(Broken(row.opened_at, row.closed_at))
    return found


def broken_commitments(registry: Registry, environment: str, product: str | None = None) -> list[Act]:
    """The overrides of notice periods that took effect, in the order of the audit log. Each address is of a port."""
    query = (
        select(acts.c.document)
        .where(
            acts.c.environment == environment,
            acts.c.operation == OVERRIDE,
            *([] if product is None else [acts.c.product == product]),
        )
        .order_by(acts.c.number)
    )
    with registry.reading() as connection:
        overriding = [Act.model_validate_json(document) for (document,) in connection.execute(query)]
    return [act for act in overriding if _took_effect(registry, act)]


def _took_effect(registry: Registry, act: Act) -> bool:
    """Whether the run of an override changed the contract. A run that failed before, or was refused, broke nothing."""
    runs = sorted(
        registry.deployments(act.product, act.environment, operations=("up", "destroy")), key=lambda run: run.started_at
    )
    later = [run for run in runs if run.started_at >= act.at]
    if not later:
        return False
    first, *others = later
    end = first.finished_at or (others[0].started_at if others else None)
    query = select(changes.c.at).where(
        changes.c.environment == act.environment,
        changes.c.kind == ContractRecord.kind,
        changes.c.address == act.address,
        changes.c.change != "created",
        changes.c.at >= first.started_at,
        *([changes.c.at <= end] if end is not None else []),
    )
    with registry.reading() as connection:
        return connection.execute(query.limit(1)).first() is not None
