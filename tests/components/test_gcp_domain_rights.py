"""The account that deploys a domain's products can grant only the roles that components grant in the project."""

from __future__ import annotations

from tests.components.test_cases import CASES

MEMBER = "gcp:projects/iAMMember:IAMMember"


def test_the_account_may_grant_exactly_the_roles_that_components_grant() -> None:
    from alchemesh_components.foundations.gcp_domain.component import GIVEN_ROLES

    given = {
        resource["inputs"]["role"]
        for name, case in CASES
        for resource in case["resources"]
        if resource["type"] == MEMBER and not name.startswith("gcp-domain")
    }
    assert given == set(GIVEN_ROLES)
