"""Billing budgets: kept. Nothing is spent, nobody is told.

Source: https://cloud.google.com/billing/docs/reference/budget/rest/v1/billingAccounts.budgets
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from alchemesh_platform.emulation.limits import at_most, matching
from alchemesh_platform.emulation.resource_type import ResourceType, Values
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


TYPES = (
    ResourceType(
        type="gcp:billing/budget:Budget",
        id="billingAccounts/{billingAccount}/budgets/{number}",
        service="billingbudgets.googleapis.com",
        numbered=True,
        replace_on=frozenset({"billingAccount"}),
        limits=(
            matching("billingAccount", ACCOUNT, "an account such as 000000-AAAAAA-000000"),
            at_most("displayName", DISPLAY_NAME_MAX),
            _amount,
        ),
        outputs={"name": "{number}"},
    ),
)
