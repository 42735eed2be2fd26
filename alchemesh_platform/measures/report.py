"""A report: one value of one measure of one subject, from a product's code or from a person. No side effects.

A report has an id. By default the id follows from its subject, measure, time and window: the same report is accepted
once, however often it is sent, and another content under the same id is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints, ValidationError, model_validator

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.problems import did_you_mean
from alchemesh_platform.documents.models import ProductAddress, Strict
from alchemesh_platform.measures.measure import (
    DATA_AGE,
    MEASURES,
    NO_ROWS,
    RATIOS,
    Measure,
    SubjectKind,
    Unit,
    measure_of,
)
from alchemesh_platform.measures.state import REPORTED, ReportedState

SKEW = timedelta(minutes=5)  # how far two clocks may differ
OLDEST = timedelta(days=365)  # older reports are refused: their ids are no longer kept
LONGEST_WINDOW = timedelta(days=366)
TEXT_MAX = 2_000
SUBJECT_MAX = 500
COUNT_MAX = 10**18  # databases have integers of 64 bits
VALUE_MAX = 1e18  # sums of values stay finite
REPORTS_MAX = 1_000  # in one request
_FIELDS: dict[Unit, frozenset[str]] = {
    "state": frozenset({"state"}),
    "ratio": frozenset({"good", "total"}),
    "event": frozenset(),
    "seconds": frozenset({"value"}),
    "count": frozenset({"value"}),
    "verdict": frozenset({"value"}),
}
_KINDS: dict[int, SubjectKind] = {2: "product", 3: "contract", 4: "asset"}  # by the number of parts of an address

Outcome = Literal["value", "unknown", "error"]
Subject = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*/[a-z][a-z0-9-]*(/[a-z][a-z0-9-]*(/[a-z][a-z0-9_]*)?)?$")
]


class ReportRefused(Failure):
    """Raised when a report contradicts itself, its measure, or a report with the same id. Its text has the hint."""

    exit_code = ExitCode.FORBIDDEN

    def __str__(self) -> str:
        return f"{self.message!s}\n\nhint: {self.hint!s}" if self.hint else str(self.message)


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("found a time before the year 1 or after the year 9999 in UTC") from None


class Report(Strict):
    """One value of one measure, or the reason why there is none."""

    product: ProductAddress = Field(description="Address of the product: domain/product.")
    subject: Subject = Field(
        description="Address of the subject: domain/product, domain/product/port, or domain/product/port/model."
    )
    measure: Annotated[str, StringConstraints(max_length=SUBJECT_MAX)] = Field(description="Name of the measure.")
    measured_at: Annotated[AwareDatetime, AfterValidator(_in_utc)] = Field(
        description="Time of the measurement, with its time zone."
    )
    outcome: Outcome = Field(
        default="value", description="unknown: it could not be measured; error: measuring it failed."
    )
    value: float | None = Field(
        default=None,
        le=VALUE_MAX,
        allow_inf_nan=False,
        description="The value, in the unit of the measure; a ratio follows.",
    )
    good: int | None = Field(
        default=None, ge=0, le=COUNT_MAX, description="Ratio: the counted cells or rows that are good."
    )
    total: int | None = Field(default=None, ge=0, le=COUNT_MAX, description="Ratio: all counted cells or rows.")
    state: ReportedState | None = Field(default=None, description="State of a product.")
    note: Annotated[str, StringConstraints(max_length=TEXT_MAX)] = Field(
        default="", description="A note on a state, or the reason of an unknown or failed measurement."
    )
    window_seconds: float = Field(
        default=0.0,
        ge=0,
        le=LONGEST_WINDOW.total_seconds(),
        allow_inf_nan=False,
        description="Length of the window that ends at the time of the measurement; 0 for a moment.",
    )
    id: Annotated[str, StringConstraints(min_length=8, max_length=128)] | None = Field(
        default=None, description="Id of the report; by default it follows from subject, measure, time and window."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        measure = self._its_measure()
        if "\0" in self.note:
            raise ValueError("a text has a NUL character, which databases cannot keep")
        if self.id is not None and not self.id.isprintable():
            raise ValueError("an id has printable characters only")
        if self.subject != self.product and not self.subject.startswith(f"{self.product}/"):
            raise ValueError(f"{self.subject} does not belong to {self.product}")
        kind = kind_of(self.subject)
        if kind != measure.subject:
            raise ValueError(
                f"{self.subject} is the address of {_a(kind)}, and {measure.name} is a measure of {_a(measure.subject)}"
            )
        if self.outcome != "value":
            if not self.note:
                raise ValueError(f"{measure.name} is {self.outcome}, so `note` must give the reason")
            if self._given:
                raise ValueError(f"{measure.name} is {self.outcome}, so it has no value")
            return self
        self._check_value(measure)
        if extra := self._given - _FIELDS[measure.unit]:
            raise ValueError(f"{measure.name} has no {' and no '.join(f'`{name}`' for name in sorted(extra))}")
        return self

    def _check_value(self, measure: Measure) -> None:
        if measure.unit == "ratio":
            self._check_counts()
        if measure.unit == "state" and self.state is None:
            raise ValueError(f"{measure.name} needs `state`: {', '.join(REPORTED)}")
        if measure.unit == "seconds" and (self.value is None or self.value < -SKEW.total_seconds()):
            raise ValueError(f"{measure.name} needs `value`, a number of seconds that is not negative")
        if measure.unit == "count" and (self.value is None or self.value < 0 or self.value % 1):
            raise ValueError(f"{measure.name} needs `value`, a whole number that is not negative")
        if measure.unit == "verdict" and self.value not in (0, 1):
            raise ValueError(f"{self.measure} needs `value`: 1 for passed, 0 for failed")

    def _its_measure(self) -> Measure:
        measure = measure_of(self.measure)
        if measure is None:
            hint = did_you_mean(self.measure, sorted(MEASURES))
            raise ValueError(f"there is no measure {self.measure!r}; {hint}")
        return measure

    @property
    def _given(self) -> frozenset[str]:
        """Names of the fields with a value."""
        return frozenset(name for name in ("value", "good", "total", "state") if getattr(self, name) is not None)

    def _check_counts(self) -> None:
        if self.good is None or self.total is None:
            raise ValueError(f"{self.measure} is a ratio, so it needs `good` and `total`")
        if self.good > self.total:
            raise ValueError(f"{self.measure}: {self.good:,} good of {self.total:,} is impossible")
        if self.total == 0:
            raise ValueError(f"{self.measure}: 0 of 0 is no ratio; report it as unknown with the reason")
        if self.value is not None:
            raise ValueError(f"{self.measure}: `good` and `total` give the value, so leave `value` out")

    @property
    def kind(self) -> SubjectKind:
        """Kind of the subject."""
        return kind_of(self.subject)

    @property
    def key(self) -> str:
        """The id: the given one, or the one that follows from subject, measure, time and window."""
        if self.id is not None:
            return self.id
        named = f"{self.subject}\n{self.measure}\n{self.measured_at.isoformat()}\n{self.window_seconds!r}"
        return hashlib.sha256(named.encode()).hexdigest()[:32]

    @property
    def digest(self) -> str:
        """SHA-256 of the content, to compare two reports with the same id."""
        content = self.model_dump(mode="json", exclude={"id"})
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @property
    def number(self) -> float | None:
        """The value as a number; None for a state, an event, and without a value."""
        if self.good is not None and self.total:
            return self.good / self.total
        return self.value


def kind_of(subject: str) -> SubjectKind:
    """The kind of a subject, by its address."""
    return _KINDS[subject.count("/") + 1]


def read_report(document: Mapping[str, Any]) -> Report:
    """Read a report.

    Raises:
        ReportRefused: when it is inconsistent; names the field and the reason.
    """
    try:
        return Report.model_validate(document)
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        place = ".".join(map(str, found["loc"]))
        reason = found["msg"].removeprefix("Value error, ")
        raise ReportRefused(f"{place}: {reason}" if place else reason) from None


def check_time(report: Report, now: datetime) -> None:
    """Refuse a report from the future, and one that is too old to be recognized as sent before.

    Args:
        now: The time of the registry.

    Raises:
        ReportRefused: gives the time and the remedy.
    """
    ahead = report.measured_at - now
    if ahead > SKEW:
        raise ReportRefused(
            f"{report.measure} of {report.subject} was measured at {report.measured_at:%Y-%m-%d %H:%M:%S} UTC, which "
            f"is {ahead.total_seconds():,.0f} s in the future",
            hint="check the clock and the time zone of the machine that measured it",
        )
    if -ahead > OLDEST:
        raise ReportRefused(
            f"{report.measure} of {report.subject} was measured at {report.measured_at:%Y-%m-%d %H:%M:%S} UTC; reports "
            f"older than {OLDEST.days} days are not accepted"
        )


def reports_of(
    product: str,
    subject: str | None = None,
    *,
    state: str | None = None,
    note: str = "",
    ratios: Mapping[str, tuple[int, int] | None] | None = None,
    newest_event: datetime | None = None,
    nothing_new: bool = False,
    unknown: Mapping[str, str] | None = None,
    measured_at: datetime | None = None,
    window: timedelta = timedelta(0),
    id: str | None = None,  # noqa: A002 - the name of the field
    now: datetime,
) -> list[Report]:
    """The reports of one call, from what code and people write.

    Args:
        product: Address of the product.
        subject: Its port or model, as ``port`` or ``port/model``, or a full address; None for the product.
        state: State of the product.
        note: A note on the state.
        ratios: Measure: good and total counts. A total of 0 is reported as unknown.
        newest_event: The newest event time of the model's rows.
        nothing_new: Whether the source was read and had nothing new.
        unknown: Measure: the reason why it is unknown.
        measured_at: Time of the measurement; by default now.
        window: Length of the window that ends then.
        id: Id of the one report.
        now: The time.

    Raises:
        ReportRefused: when something is inconsistent, or nothing is reported.
    """
    address = _address(product, subject)
    moment = measured_at if measured_at is not None else now
    if moment.tzinfo is None:
        raise ReportRefused("measured_at has no time zone", hint="write it as datetime.now(UTC)")
    shared = {"product": product, "subject": address, "measured_at": moment, "window_seconds": window.total_seconds()}
    documents: list[dict[str, Any]] = []
    if state is not None:
        documents.append({"measure": "state", "state": state, "note": note})
    elif note:
        raise ReportRefused("a note belongs to a state, so `state` is missing")
    for measure, counts in (ratios or {}).items():
        documents.append(_ratio(measure, counts))
    if newest_event is not None:
        documents.append({"measure": DATA_AGE, "value": _age(newest_event, moment)})
    if nothing_new:
        documents.append({"measure": "nothing_new"})
    for measure, reason in (unknown or {}).items():
        documents.append({"measure": measure, "outcome": "unknown", "note": reason})
    if not documents:
        raise ReportRefused(
            "the report has no value",
            hint=f"report a state, nothing new, the newest event, what is unknown, or one of {', '.join(RATIOS)}",
        )
    if id is not None:
        if len(documents) > 1:
            raise ReportRefused("an id names one report, and this call has several")
        documents[0]["id"] = id
    return [read_report({**shared, **document}) for document in documents]


def _ratio(measure: str, counts: tuple[int, int] | None) -> dict[str, Any]:
    try:
        good, total = counts or (None, None)
    except (TypeError, ValueError):
        raise ReportRefused(f"{measure}: expected two counts, good and total, such as (990, 1000)") from None
    if good == 0 and total == 0:
        return {"measure": measure, "outcome": "unknown", "note": NO_ROWS}
    return {"measure": measure, "good": good, "total": total}


def _age(newest: datetime, moment: datetime) -> float:
    if newest.tzinfo is None:
        raise ReportRefused("newest_event has no time zone", hint="write it as datetime(…, tzinfo=UTC)")
    age = (moment - newest).total_seconds()
    if age < -SKEW.total_seconds():
        raise ReportRefused(
            f"newest_event is {-age:,.0f} s later than the measurement",
            hint="leave out rows with an event time in the future: they are invalid",
        )
    return max(age, 0.0)


def _address(product: str, subject: str | None) -> str:
    if subject is None or subject == product or subject.startswith(f"{product}/"):
        return subject or product
    return f"{product}/{subject}"


def _a(kind: SubjectKind) -> str:
    return {"product": "a product", "contract": "a port", "asset": "a model"}[kind]
