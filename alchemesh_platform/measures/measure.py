"""The measures: the one table of names, units, formulas and sources. No side effects.

The formulas follow ISO/IEC 25012 in their names; each one is a ratio of counts, so that measurements can be added up.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

SubjectKind = Literal["product", "asset", "contract"]
Unit = Literal["state", "ratio", "seconds", "event", "verdict", "count"]


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure of one kind of subject.

    Args:
        name: Its name in reports, in the registry and in documents.
        subject: The kind of subject that has it.
        unit: ``ratio`` is a value from 0 to 1 with both counts; ``event`` has a time and no value; ``verdict`` is 1 for
            passed and 0 for failed; ``count`` is a number of events in the window.
        formula: How its value is computed.
        source: The parts of the mesh that measure or report it.
        unknown_when: Reason for which it is unknown.
    """

    name: str
    subject: SubjectKind
    unit: Unit
    formula: str
    source: str
    unknown_when: str


STATE = "state"
NOTHING_NEW = "nothing_new"
DATA_AGE = "data_age"
TIMELINESS = "timeliness"
CHANGE_AGE = "change_age"
LAG = "lag"
TEST = "test:"  # and the name of the business test
UPTIME = "uptime"
RESPONSE_TIME = "response_time"
USAGE = "usage"
NO_ROWS = "the table has no rows"
BY_PLATFORM = "the platform"  # the source of a measure that nobody else may report
_ONLY = 1

_ALL = (
    Measure(
        STATE,
        "product",
        "state",
        "the state that was reported last",
        "the product's code, or a member of its team",
        "nobody reported a state",
    ),
    Measure(
        "completeness",
        "asset",
        "ratio",
        "required cells that are not null / (rows × required properties)",
        "the platform, the product's code",
        "there are no rows, or no required properties",
    ),
    Measure(
        "validity",
        "asset",
        "ratio",
        "cells that fulfil enum, pattern and range, and event times that are not in the future / cells of properties "
        "with one that are not null",
        "the platform, the product's code",
        "no property has a condition, or all of its cells are null",
    ),
    Measure(
        "uniqueness",
        "asset",
        "ratio",
        "distinct keys / rows with a key",
        "the platform, the product's code",
        "the model has no key, or no row has one",
    ),
    Measure(
        "accuracy",
        "asset",
        "ratio",
        "rows that equal the row of the reference with the same key / rows whose key is in the reference",
        "the platform, the product's code",
        "there is no reference, no row has a key of it, or the storage only counts by itself",
    ),
    Measure(
        TIMELINESS,
        "asset",
        "ratio",
        "rows with ingestion time − event time ≤ limit / rows with both times",
        "the platform, the product's code",
        "the model declares no event time, ingestion time or limit, or no row has both times",
    ),
    Measure(
        DATA_AGE,
        "asset",
        "seconds",
        "time of the measurement − newest event time that is at most 5 minutes in the future",
        "the platform, the product's code",
        "the model declares no event time, or no row has one that is not in the future",
    ),
    Measure(
        CHANGE_AGE,
        "asset",
        "seconds",
        "time of the measurement − last commit that changed data",
        "the platform, the product's code",
        "nothing was ever written",
    ),
    Measure(
        LAG,
        "asset",
        "seconds",
        "time of the measurement − oldest commit that consumers do not read yet; 0 if they read the newest commit",
        "the platform",
        "the proxy could not say which commit consumers read",
    ),
    Measure(
        NOTHING_NEW,
        "asset",
        "event",
        "the time at which the source was read and had nothing new",
        "the product's code",
        "it is an event, so it is reported or absent",
    ),
    Measure(
        UPTIME,
        "contract",
        "ratio",
        "slices of 60 seconds in which every probe read the port / slices with a probe",
        BY_PLATFORM,
        "the probe could not be made, or its own credential was refused",
    ),
    Measure(
        RESPONSE_TIME,
        "contract",
        "seconds",
        "time from the question of a probe until its whole answer",
        BY_PLATFORM,
        "the probe could not be made; it is an error when the port gave no right answer",
    ),
    Measure(
        USAGE,
        "contract",
        "count",
        "requests of consumers in the window, without those of the product itself and of the platform's probes",
        BY_PLATFORM,
        "nothing meters the port: its storage has no proxy that counts requests, or its gateway is on another machine",
    ),
    Measure(
        f"{TEST}NAME",
        "contract",
        "verdict",
        "whether the value of the business test fulfils its comparison",
        "the platform, the product's code",
        "the tested table has no rows, or the query gives null",
    ),
)

MEASURES: Mapping[str, Measure] = MappingProxyType({measure.name: measure for measure in _ALL})
RATIOS = tuple(measure.name for measure in _ALL if measure.unit == "ratio" and measure.subject == "asset")
_BY_PROTOCOL = re.compile(rf"({UPTIME}|{RESPONSE_TIME}):[a-z][a-z0-9_-]*")


def measure_of(name: str) -> Measure | None:
    """The measure of a name; None if there is none.

    A port with several protocols has ``uptime`` and ``response_time`` of each one: ``uptime:rest``.
    """
    if found := _BY_PROTOCOL.fullmatch(name):
        return MEASURES[found[1]]
    return MEASURES.get(f"{TEST}NAME" if len(name) > len(TEST) and name.startswith(TEST) else name)


def of_protocol(measure: str, protocol: str, protocols: Collection[str]) -> str:
    """The name of a measure for one protocol of a port: ``uptime`` if it is the only one, or else ``uptime:rest``.

    Args:
        protocols: All protocols of the port.
    """
    return measure if len(protocols) <= _ONLY else f"{measure}:{protocol}"
