"""The account that deploys a domain's products can grant only the roles that components grant in the project."""

from __future__ import annotations

from alchemesh_platform.sdk.spec import FOUNDATIONS
from tests.components.recorder import CASES, CATALOG

# The platform team deploys these with its own account.
FOUNDATION_COMPONENTS = {name for name, spec in CATALOG.items() if set(spec.roles) & set(FOUNDATIONS)}
MEMBER = "gcp:projects/iAMMember:IAMMember"


def test_the_account_may_grant_exactly_the_roles_that_components_grant() -> None:
    from alchemesh_components.foundations.gcp_domain.component import GIVEN_ROLES

    given = {
        resource["inputs"]["role"]
        for name, case in CASES
        for resource in case["resources"]
        if resource["type"] == MEMBER and name not in FOUNDATION_COMPONENTS
    }
    assert given == set(GIVEN_ROLES)


def test_only_accounts_of_the_platform_get_a_right_in_the_project() -> None:
    """People deploy with the account of their domain: the stacks give no person a right in the project itself."""
    members = {
        resource["inputs"]["member"].partition(":")[0]
        for _, case in CASES
        for resource in case["resources"]
        if resource["type"] == MEMBER
    }
    assert members == {"serviceAccount"}


def test_only_people_and_pipelines_of_the_domain_act_as_its_account() -> None:
    from alchemesh_components.foundations.gcp_domain.component import ACTING_ROLE, PIPELINE_ROLE

    seen = 0
    for name, case in CASES:
        if not name.startswith("gcp-domain"):
            continue
        gcp, args, domain = case["settings"]["gcp"], case["args"], case["wiring"]["domain"]
        team = gcp.get("principals", {}).get("team")
        people = {f"user:{args['owner']}"}
        for each, members in args.get("teams", {}).items():
            people |= {team.format(domain=domain, team=each)} if team else {f"user:{email}" for email in members}
        acting = {ACTING_ROLE: people, PIPELINE_ROLE: set(gcp.get("pipelines", {}).get(domain, ()))}
        found: dict[str, set[str]] = {role: set() for role in acting}
        for resource in case["resources"]:
            if resource["type"] == "gcp:serviceaccount/iAMMember:IAMMember":
                found[resource["inputs"]["role"]].add(resource["inputs"]["member"])
        assert found == acting
        seen += 1
    assert seen > 1
