"""The foundation that products depend on, planned from a platform file."""

from __future__ import annotations

from pathlib import Path

import pytest

from alchemesh_platform.base.names import NAME_PATTERN
from alchemesh_platform.base.problems import ProblemsFound
from alchemesh_platform.compose.foundation import NoFoundation, domain_foundation, platform_foundation
from alchemesh_platform.foundations.domain import UnknownDomain, read_domain
from alchemesh_platform.foundations.operator import own_state
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.registry.records import DomainRecord, TeamRecord
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.sdk.spec import Role
from tests.builtin import ROOT, builtin_catalog

GCP = load_platform(ROOT / "platforms" / "gcp.yaml", "prod", Path("home"))


def test_a_platform_has_the_foundation_and_addresses_of_its_file() -> None:
    planned = platform_foundation(GCP, builtin_catalog())
    assert planned.spec.name == "gcp-platform"
    assert planned.args.state == "gs://acme-mesh-alchemesh-state"
    assert planned.settings.gcp.project == "acme-mesh"
    assert planned.wiring.environment == "prod"


def test_a_domain_has_a_stack_of_its_own() -> None:
    planned = domain_foundation(
        GCP, builtin_catalog(), "aviation", "amelia@airport.example", {"crew": ("bo@a.example",)}
    )
    assert (planned.spec.name, planned.project) == ("gcp-domain", "mesh_domain.aviation")
    assert planned.args.teams == {"crew": ("bo@a.example",)}


def test_a_foundation_names_its_place_its_title_and_its_commands() -> None:
    planned = platform_foundation(GCP, builtin_catalog())
    assert (planned.title, planned.name, planned.role) == ("platform prod", "platform", Role.PLATFORM)
    assert (planned.wiring.domain, planned.wiring.product, planned.wiring.port) == ("mesh", "platform", "foundation")
    assert planned.command("up").line == "alchemesh platform up"
    planned = domain_foundation(GCP, builtin_catalog(), "aviation", "amelia@airport.example", {})
    assert (planned.title, planned.name, planned.role) == ("domain aviation prod", "domain", Role.DOMAIN)
    assert planned.wiring.environment == "prod"
    assert (planned.wiring.domain, planned.wiring.product, planned.wiring.port) == ("aviation", "domain", "foundation")
    assert planned.command("up").line == "alchemesh domain up aviation"


def test_a_foundation_knows_its_line_in_the_platform_file() -> None:
    planned = platform_foundation(GCP, builtin_catalog())
    lines = (ROOT / "platforms" / "gcp.yaml").read_text("utf-8").splitlines()
    assert planned.path == "environments.prod.components.platform-foundation"
    assert lines[planned.location.line - 1].strip().startswith("platform-foundation:")


def test_an_emulated_platform_creates_the_resources_at_the_addresses_of_the_file() -> None:
    emulated = GCP.model_copy(update={"state": "file:///emulated", "registry": "sqlite:///emulated.db"})
    planned, real = (platform_foundation(each, builtin_catalog()) for each in (emulated, GCP))
    assert (planned.args.state, planned.args.registry) == (real.args.state, real.args.registry)


def test_a_misspelled_foundation_has_a_hint_at_its_line() -> None:
    odd = GCP.model_copy(update={"components": {"platform-foundation": "gcp-platfrom"}})
    with pytest.raises(ProblemsFound) as found:
        platform_foundation(odd, builtin_catalog())
    (problem,) = found.value.problems
    assert problem.location == GCP.tree.locate(("components", "platform-foundation"))
    assert str(problem.hint) == "did you mean 'gcp-platform'?"


def test_no_domain_or_product_has_a_stack_of_that_name() -> None:
    import re

    for planned in (
        platform_foundation(GCP, builtin_catalog()),
        domain_foundation(GCP, builtin_catalog(), "a", "a@b.c", {}),
    ):
        assert not re.fullmatch(NAME_PATTERN, planned.project.partition(".")[0])


def test_an_environment_without_a_foundation_has_a_hint_to_name_one() -> None:
    local = load_platform(None, "local", Path("home"))
    with pytest.raises(NoFoundation) as refused:
        platform_foundation(local, builtin_catalog())
    assert "'local' names no component that makes a platform-foundation" in refused.value.message
    assert "platform-foundation: gcp-platform" in str(refused.value.hint)


def test_a_component_for_ports_is_refused_as_a_foundation() -> None:
    odd = GCP.model_copy(update={"components": {"platform-foundation": "gcs-bucket"}})
    with pytest.raises(ProblemsFound) as found:
        platform_foundation(odd, builtin_catalog())
    (problem,) = found.value.problems
    assert problem.path == "environments.prod.components.platform-foundation"
    assert "found 'gcs-bucket', expected a component that makes a platform-foundation" in problem.message
    assert Role.PLATFORM not in builtin_catalog()["gcs-bucket"].roles


def test_invalid_settings_are_reported_as_for_a_product() -> None:
    wrong = GCP.model_copy(update={"settings": {"gcp": {"project": "Acme"}}})
    with pytest.raises(ProblemsFound) as found:
        platform_foundation(wrong.located_by(_tree(wrong.settings)), builtin_catalog())
    assert [problem.path for problem in found.value.problems] == [
        "environments.prod.settings.gcp.project",
        "environments.prod.settings.gcp.region",
    ]


def _tree(settings: object) -> object:
    from alchemesh_platform.documents.document import node_of

    return node_of({"settings": settings}, "platform.yaml")


def test_a_platforms_own_state_is_not_in_the_bucket_that_it_makes() -> None:
    assert own_state(GCP).startswith("file:///")
    assert own_state(GCP).endswith("home/prod/foundation")


def test_a_domain_is_read_with_its_teams(tmp_path: Path) -> None:
    with Registry.open(f"sqlite:///{tmp_path / 'registry.db'}") as registry:
        place = {"environment": "prod"}
        registry.put(DomainRecord(address="aviation", type="source_aligned", owner="amelia@a.example", **place))
        for domain, team in (("aviation", "crew"), ("operations", "desk")):
            registry.put(
                TeamRecord(
                    address=f"{domain}/{team}",
                    domain=domain,
                    name=team,
                    team_kind="data_product_team",
                    members=("bo@a.example",),
                    **place,
                )
            )
        record, teams = read_domain(registry, "prod", "aviation")
        assert (record.owner, teams) == ("amelia@a.example", {"crew": ("bo@a.example",)})
        with pytest.raises(UnknownDomain) as unknown:
            read_domain(registry, "prod", "aviaton")
        assert unknown.value.hint == "did you mean 'aviation'?"
