"""The status of a product as values: its ports and needs with their components, and the content of its tables."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from alchemesh_platform.base.units import Duration
from alchemesh_platform.levels.commitment import Severity, Verdict
from alchemesh_platform.measures.measure import Unit
from alchemesh_platform.measures.state import State
from alchemesh_platform.registry.records import Deployment, RequestState
from alchemesh_platform.sdk.observation import Health


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)


class TableStatus(_Value):
    """The content of a table or folder; None for unknown values.

    Args:
        retention: The age after which files of former versions are removed; None if they stay.
        vacuumed_at: When files of former versions were last removed.
        overdue_files: The number of files that are older than the retention.
    """

    name: str
    rows: int | None = None
    size_bytes: int | None = None
    changed_at: datetime | None = None
    retention: Duration | None = None
    vacuumed_at: datetime | None = None
    overdue_files: int = 0


class MeasureStatus(_Value):
    """The newest value of a measure.

    Args:
        outcome: ``stale`` is a value that is too old to rely on.
        value: The value in its unit; of a ratio, good / total.
        note: The reason of an unknown, stale or failed measurement.
        reported_by: Subject of an identity, or ``code of domain/product``.
    """

    measure: str
    unit: Unit
    outcome: Literal["value", "unknown", "stale", "error"]
    value: float | None = None
    good: int | None = None
    total: int | None = None
    note: str = ""
    measured_at: datetime
    received_at: datetime
    window_seconds: float = 0
    reported_by: str


class TrendStatus(_Value):
    """The recent history of a commitment, in slots of equal width.

    Args:
        outcomes: Of each slot; ``gap`` if nobody measured in it.
        values: The value of each slot in the unit of the commitment; None without one.
    """

    since: datetime
    until: datetime
    outcomes: tuple[Literal["value", "unknown", "error", "gap"], ...]
    values: tuple[float | None, ...]


class BudgetStatus(_Value):
    """The error budget of a commitment: what may be bad in its window, and what is.

    Args:
        remaining: The share that is left; negative if more is bad than the promise allows.
        burn_rate: The speed of the last hour, where 1 spends the whole budget in exactly one window.
        alarm: The burn rate alarm that fires, in words.
    """

    unit: str
    allowed: float
    spent: float
    remaining: float
    burn_rate: float | None = None
    alarm: str = ""


class CommitmentStatus(_Value):
    """One commitment of a contract: the promise, the measured value, the verdict and the recent history.

    Args:
        port: Address of the output port.
        asset: Address of the measured asset; empty for a commitment of the whole contract.
        name: freshness, update_frequency, uptime, response_time, ``test:NAME`` or ``usage:METER``.
        promise: The promise, for people.
        value: The measured value, for people; empty without one.
        number: The measured value in its unit.
        trend: None if it was never measured, or has no history.
    """

    port: str
    asset: str = ""
    name: str
    promise: str
    verdict: Verdict
    value: str = ""
    number: float | None = None
    unit: str = ""
    reason: str = ""
    measured_at: datetime | None = None
    budget: BudgetStatus | None = None
    severity: Severity = "error"
    trend: TrendStatus | None = None


class IncidentStatus(_Value):
    """An open incident of a commitment.

    Args:
        name: Name of the commitment.
        since: Time of the first bad measurement.
        value: The measured value at the newest bad measurement.
        reason: Its reason; empty for consumers.
    """

    id: str
    port: str
    asset: str = ""
    name: str
    state: Literal["open", "acknowledged"]
    since: datetime
    promise: str = ""
    value: str = ""
    reason: str = ""
    acknowledged_by: str = ""
    snoozed_until: datetime | None = None


class StateStatus(_Value):
    """The state of a product that was reported last: time, reporter and note."""

    state: State
    note: str = ""
    at: datetime | None = None
    reported_by: str = ""


class AssetStatus(TableStatus):
    """A model that a port exposes, with the content of its table; ``name`` is the model's."""

    address: str
    measures: tuple[MeasureStatus, ...] = ()


class PartStatus(_Value):
    """A component of a port or need; health is None if the component cannot be observed."""

    component: str
    component_type: str
    health: Health | None = None
    reason: str = ""


class ContractStatus(_Value):
    """A port's contract, in brief."""

    version: str
    lifecycle: str
    access: str
    notice_period: str | None = None


class FreshnessStatus(_Value):
    """The promised freshness of a port, and the measured one.

    Args:
        promised: Longest time from a change of the storage until consumers read it, from the contract.
        lag_seconds: Time since a change that consumers do not read yet; 0 if they read the current state, None if it
            is not measured.
        kept: Whether the promise is kept; None if it is not measured.
    """

    promised: str
    lag_seconds: float | None = None
    kept: bool | None = None


class AccessStatus(_Value):
    """The state of the request for another product's port: time, actor and reason."""

    request: str
    state: RequestState
    at: datetime
    by: str
    reason: str = ""
    ends_at: datetime | None = None


class NoticeStatus(_Value):
    """A notice to the consumers of a port.

    Args:
        what: breaking-change, deprecation, retirement or removal.
        version: Version of the contract that it concerns.
        passes_at: The time from which the change is allowed.
    """

    what: str
    version: str
    given_at: datetime
    given_by: str
    passes_at: datetime
    message: str = ""


class HolderStatus(_Value):
    """A credential that somebody holds for a port, without its secret.

    Args:
        requester: The consumer that the holder belongs to.
        user: User name of the credential.
        since: When it was issued.
    """

    holder: str
    request: str
    requester: str
    user: str
    since: datetime
    expires_at: datetime | None = None


class PlaceStatus(_Value):
    """An input port, a need, the code or an output port, with its components.

    Args:
        health: The worst health of its components; None if none of them can be observed.
        tables: Content of its storage, in addition to the assets of an output port.
    """

    name: str
    health: Health | None = None
    parts: tuple[PartStatus, ...] = ()
    tables: tuple[TableStatus, ...] = ()


class ConsumedStatus(_Value):
    """The part of another product that a consumer may see: the state, and the commitments of the port that it reads."""

    state: StateStatus
    commitments: tuple[CommitmentStatus, ...] = ()
    incidents: tuple[IncidentStatus, ...] = ()


class InputStatus(PlaceStatus):
    """An input port. If it reads another product's port, the components and the notices are that port's.

    Args:
        consumed: Promise and truth of that port; None without granted access.
    """

    address: str
    description: str = ""
    origin: str | None = None
    from_product: bool = False
    access: AccessStatus | None = None
    notices: tuple[NoticeStatus, ...] = ()
    consumed: ConsumedStatus | None = None


class CodeStatus(PlaceStatus):
    """The product's own code, with its last runs, newest first.

    Args:
        engine: The engine that starts it; None if this machine does.
        next_run_at: The next time of its schedule; None without one, or if it is not known here.
    """

    entrypoint: str | None = None
    schedule: str | None = None
    time_zone: str | None = None
    engine: str | None = None
    next_run_at: datetime | None = None
    runs: tuple[Deployment, ...] = ()


class OutputStatus(PlaceStatus):
    """An output port."""

    address: str
    description: str = ""
    endpoints: dict[str, str] = {}
    assets: tuple[AssetStatus, ...] = ()
    contract: ContractStatus | None = None
    freshness: FreshnessStatus | None = None
    tests: tuple[MeasureStatus, ...] = ()
    measures: tuple[MeasureStatus, ...] = ()
    commitments: tuple[CommitmentStatus, ...] = ()
    incidents: tuple[IncidentStatus, ...] = ()
    notices: tuple[NoticeStatus, ...] = ()
    holders: tuple[HolderStatus, ...] = ()


class ProductStatus(_Value):
    """A product in one environment.

    Args:
        is_deployed: False for a product that was destroyed or never deployed; it then has at most a history.
        health: The worst health of its ports and needs; None if none of them can be observed.
        state: The state that was reported; None if the product is not deployed.
    """

    environment: str
    address: str
    is_deployed: bool = Field(default=False, alias="stands")  # its name in `status --json`
    health: Health | None = None
    team: str = ""
    owner: str = ""
    version: str = ""
    lifecycle: str = ""
    description: str = ""
    last_deployment: Deployment | None = None
    state: StateStatus | None = None
    inputs: tuple[InputStatus, ...] = ()
    needs: tuple[PlaceStatus, ...] = ()
    code: CodeStatus | None = None
    outputs: tuple[OutputStatus, ...] = ()


class ProductSummary(_Value):
    """One row of a list of products, from the product's records only."""

    address: str
    version: str
    lifecycle: str
    team: str
    inputs: int
    outputs: int
    assets: int
    last_deployment: Deployment | None = None
