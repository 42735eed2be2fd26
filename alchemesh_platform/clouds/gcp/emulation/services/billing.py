"""Billing budgets: stored. No costs arise and no alert is sent.

Source: https://cloud.google.com/billing/docs/reference/budget/rest/v1/billingAccounts.budgets
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from alchemesh_platform.clouds.gcp.emulation.types.limits import at_most, matching
from alchemesh_platform.clouds.gcp.emulation.types.resource_type import ResourceType, Values
from alchemesh_platform.clouds.gcp.emulation.world import PROJECT_NUMBER, World
from alchemesh_platform.provider.inputs import Refusal
from alchemesh_platform.provider.values import reveal

DISPLAY_NAME_MAX = 60
ACCOUNT = re.compile(r"(billingAccounts/)?[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}")


def _amount(inputs: Values) -> Iterator[Refusal]:
    amount = reveal(inputs.get("amount"))
    if not isinstance(amount, Mapping):
        return
    specified = amount.get("specifiedAmount")
    if (specified is None) == (amount.get("lastPeriodAmount") is None):
        yield Refusal("amount", "expected one of specifiedAmount and lastPeriodAmount")
    units = specified.get("units") if isinstance(specified, Mapping) else None
    if isinstance(units, str) and not units.isdigit():
        yield Refusal("amount.specifiedAmount.units", f"found {units!r}, expected a whole number")


def _one_label(inputs: Values) -> Iterator[Refusal]:
    found = reveal(inputs.get("budgetFilter"))
    labels = found.get("labels") if isinstance(found, Mapping) else None
    if isinstance(labels, Mapping) and len(labels) > 1:
        yield Refusal("budgetFilter.labels", f"found {len(labels)} labels, expected one")


@dataclass(frozen=True, kw_only=True)
class Budget(ResourceType):
    """A budget. The service returns its projects by number, even if they were given by id."""

    def look(self, world: World, values: Values) -> Mapping[str, Any]:
        given = values.get("budgetFilter")
        if not isinstance(given, Mapping):
            return {}
        numbered = [
            each if each.partition("/")[2].isdigit() else f"projects/{PROJECT_NUMBER}"
            for each in given.get("projects") or ()
        ]
        return {"budgetFilter": {**given, "projects": numbered}}


TYPES = (
    Budget(
        type="gcp:billing/budget:Budget",
        id="billingAccounts/{billingAccount}/budgets/{number}",
        service="billingbudgets.googleapis.com",
        numbered=True,
        replace_on=frozenset({"billingAccount"}),
        limits=(
            matching("billingAccount", ACCOUNT, "an account such as 000000-AAAAAA-000000"),
            at_most("displayName", DISPLAY_NAME_MAX),
            _amount,
            _one_label,
        ),
        outputs={"name": "{number}"},
    ),
)
