"""The mapping between the platform's terms and those of the Open Data Contract Standard (ODCS) 3.2.

==========================  ==========================================================================================
Manifest                    ODCS
==========================  ==========================================================================================
contract version            ``version``
lifecycle                   ``status``, the same words
access                      custom property ``accessType``
uptime                      ``slaProperties``: ``availability``, in percent
update_frequency            ``slaProperties``: ``frequency``, with its unit
response_time               ``slaProperties``: ``responseTime``, with its unit
freshness                   ``slaProperties``: ``latency``, with its unit
percentile, window,         custom properties ``responseTimePercentile``, ``serviceLevelWindow``,
maintenance, time_zone      ``announcedMaintenance`` and ``serviceLevelTimeZone``
terms.usage                 ``description.usage``
terms.limits                custom property ``usageLimits``
terms.billing               ``price``; custom properties ``billingModel``, ``billingTimeZone`` and ``serviceCredits``
terms.notice_period         custom property ``noticePeriod``
quality                     ``quality`` of the property or of the object of ``schema`` that a test is about
port                        ``id`` (its address), ``name``, ``domain``, ``team``, ``description.purpose``; custom
                            property ``protocols``
model                       object of ``schema``; its entity is the ``businessName``
property                    property of ``schema``; ``key`` is ``primaryKey``, ``pattern`` a logical type option
relationship                ``relationships`` of the object; its description a custom property of it
==========================  ==========================================================================================

Values without a place in ODCS become custom properties of the vendor ``alchemesh``, as the standard recommends, so that
an export and import lose nothing. This module holds all their names.

Source: https://bitol-io.github.io/open-data-contract-standard/v3.2.0/ and its JSON schema, which ships with the library
``open-data-contract-standard``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from alchemesh_platform.manifest.models import Property

API_VERSION = "v3.2.0"
KIND = "DataContract"
VENDOR = "alchemesh"

# Custom properties, in camel case as the standard recommends.
ACCESS_TYPE = "accessType"
BILLING_MODEL = "billingModel"
BILLING_TIME_ZONE = "billingTimeZone"
CREDITS = "serviceCredits"
NOTICE_PERIOD = "noticePeriod"
LIMITS = "usageLimits"
PROTOCOLS = "protocols"
MEASURING = {  # custom property: the key of service levels
    "responseTimePercentile": "percentile",
    "serviceLevelWindow": "window",
    "announcedMaintenance": "maintenance",
    "serviceLevelTimeZone": "time_zone",
}
QUALITY_ORDER = "qualityOrder"  # names of the tests, if the order of the contract differs from the order of the places
EVENT_TIME = "eventTime"  # of an object: its property with the time of the event
INGESTION_TIME = "ingestionTime"  # of an object: its property with the time of the ingestion
TIMES = (EVENT_TIME, INGESTION_TIME)
TIMELINESS = "timeliness"  # of an object: the longest time between the two
RELATIONSHIPS = "relationships"  # of an object: those that no reference can express, with their index
DESCRIPTION = "description"  # of a relationship
ENUM = "enum"  # of a property: an enum without values, or with two values that are the same number
RESULT = "result"  # of a test: its newest result; a contract that is imported has none
MODEL, PROPERTY = "model", "property"  # of a test: its subject, if it differs from the place of the test

AVAILABILITY, FREQUENCY, RESPONSE_TIME, LATENCY = "availability", "frequency", "responseTime", "latency"
SPANS = {FREQUENCY: "update_frequency", RESPONSE_TIME: "response_time", LATENCY: "freshness"}
UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "min": timedelta(minutes=1),  # not `m`, which could mean months
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}


def metric_arguments(metric: str | None, about: Property | None, key: Sequence[str] = ()) -> dict[str, Any] | None:
    """The requirements of a metric of the ODCS library on the property that it measures, or on the key of a model.

    The standard repeats the valid values and the key in the test. In a manifest, only the model defines them.

    Args:
        metric: The metric.
        about: The property; None for a metric of a model.
        key: The key of the model.
    """
    if metric == "duplicateValues" and about is None and key:
        return {"properties": list(key)}
    if metric != "invalidValues" or about is None:
        return None
    arguments: dict[str, Any] = {}
    if about.enum:
        arguments["validValues"] = list(about.enum)
    if about.pattern is not None:
        arguments["pattern"] = about.pattern
    return arguments or None


def whole(value: Any) -> Any:
    """A number without a fraction as a whole number."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value
