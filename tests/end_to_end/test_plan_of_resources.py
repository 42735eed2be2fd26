"""`plan --resources` lists offline the resources that a preview of the real engine creates."""

from __future__ import annotations

from typing import Any

import pytest

from .harness import WITH_API, Shop

pytestmark = pytest.mark.engine


def listed(plan: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return sorted((each["kind"], each["port"], each["type"], each["name"]) for each in plan["resources"])


def previewed(preview: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return sorted(
        (section["kind"], section["name"], resource["type"], resource["name"])
        for section in preview["ports"]
        for resource in section["resources"]
    )


@WITH_API
def test_on_a_laptop_the_plan_lists_the_resources_of_a_preview(shop: Shop) -> None:
    plan, preview = shop.json("plan", "--resources"), shop.json("preview")
    assert listed(plan) == previewed(preview)
    assert preview["changes"] == {"create": len(plan["resources"])}
