"""An owner gives notice of a promised thing once, and the announced change settles it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from alchemesh_platform.access.rights import NotAllowed
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.contracts.notices.give import (
    HappenedAlready,
    NoSuchNotice,
    NothingPromised,
    give_notice,
    withdraw_notice,
)
from alchemesh_platform.contracts.notices.period import NOTICES
from alchemesh_platform.contracts.notices.recorded import drop_notices, notices_of, settle_notices
from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.registry.audit import acts_of, broken_links
from alchemesh_platform.registry.store import Registry
from tests.registry.promises.promised import OWNER, PLATFORM_OWNER, PORT, PRODUCT, contract, deployed

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
AMELIA = Identity(OWNER, "local")
KATHERINE = Identity(PLATFORM_OWNER, "https://id.airport.example")
WILBUR = Identity("wilbur@airport.example", "local")


def whats(registry: Registry, environment: str) -> list[str]:
    return [given.notice.what for given in notices_of(registry, environment, [PORT]).get(PORT, [])]


def test_a_notice_has_its_change_date_and_author_and_is_an_act(registry: Registry, environment: str) -> None:
    deployed(registry, environment, contract(environment))
    announced = give_notice(registry, environment, PORT, "breaking-change", AMELIA, NOW, message="tail_number goes")
    [given] = notices_of(registry, environment, [PORT])[PORT]
    assert announced.new
    assert announced.given == given
    assert (given.passes_at, given.given_by) == (NOW + timedelta(days=90), OWNER)
    assert given.in_words(NOW) == (
        "the breaking change of version 2.0.0 may happen from 2026-04-01 12:00 UTC: tail_number goes"
    )
    assert "may happen at any time, since 2026-04-01" in given.in_words(NOW + timedelta(days=90))
    [act] = acts_of(registry, environment, PRODUCT)
    assert (act.operation, act.address, act.actor, act.issuer, act.reason, act.at) == (
        "contract notice",
        PORT,
        OWNER,
        "local",
        "tail_number goes",
        NOW,
    )
    assert act.detail["passes_at"] == "2026-04-01T12:00:00+00:00"


def test_giving_a_notice_again_changes_nothing(registry: Registry, environment: str) -> None:
    deployed(registry, environment, contract(environment))
    first = give_notice(registry, environment, PORT, "removal", AMELIA, NOW)
    later = give_notice(registry, environment, PORT, "removal", KATHERINE, NOW + timedelta(days=1), message="again")
    assert (later.new, later.given) == (False, first.given)
    assert len(acts_of(registry, environment)) == 1
    registry.put(contract(environment, "2.1.0"))
    assert not give_notice(registry, environment, PORT, "removal", AMELIA, NOW).new, "it is for the major version"


def test_only_one_of_two_concurrent_notices_is_recorded(registry_url: str, environment: str) -> None:
    with Registry.open(registry_url) as registry:
        deployed(registry, environment, contract(environment))

    def give(number: int) -> bool:
        with Registry.open(registry_url) as own:
            return give_notice(own, environment, PORT, "removal", AMELIA, NOW + timedelta(seconds=number)).new

    with ThreadPoolExecutor(6) as threads:
        assert sorted(threads.map(give, range(6))) == [False] * 5 + [True]
    with Registry.open(registry_url) as registry:
        assert whats(registry, environment) == ["removal"]
        assert len(acts_of(registry, environment)) == 1
        assert list(broken_links(registry)) == []


@pytest.mark.parametrize(
    ("lifecycle", "said"),
    [("draft", "is a draft, which promises nothing"), ("retired", "nothing is promised any more")],
)
def test_a_notice_needs_a_promise(registry: Registry, environment: str, lifecycle: str, said: str) -> None:
    deployed(registry, environment, contract(environment, lifecycle=lifecycle))
    with pytest.raises(NothingPromised, match=said):
        give_notice(registry, environment, PORT, "removal", AMELIA, NOW)
    with pytest.raises(NothingPromised, match="has no contract"):
        give_notice(registry, environment, f"{PRODUCT}/other", "removal", AMELIA, NOW)
    assert acts_of(registry, environment) == []


def test_only_owners_and_platform_owners_give_and_withdraw_notices(registry: Registry, environment: str) -> None:
    deployed(registry, environment, contract(environment))
    with pytest.raises(NotAllowed, match=f"{OWNER}, who owns {PRODUCT}") as refused:
        give_notice(registry, environment, PORT, "removal", WILBUR, NOW)
    assert refused.value.exit_code is ExitCode.FORBIDDEN
    assert refused.value.hint == f"if you are {OWNER}, set ALCHEMESH_USER={OWNER}"
    give_notice(registry, environment, PORT, "removal", KATHERINE, NOW)
    with pytest.raises(NotAllowed):
        withdraw_notice(registry, environment, PORT, "removal", WILBUR, NOW)
    withdraw_notice(registry, environment, PORT, "removal", AMELIA, NOW)
    assert whats(registry, environment) == []
    assert [act.operation for act in acts_of(registry, environment)] == ["contract notice withdraw", "contract notice"]


def test_the_period_restarts_after_a_withdrawn_notice(registry: Registry, environment: str) -> None:
    deployed(registry, environment, contract(environment))
    give_notice(registry, environment, PORT, "removal", AMELIA, NOW)
    withdraw_notice(registry, environment, PORT, "removal", AMELIA, NOW + timedelta(days=80))
    repeated = give_notice(registry, environment, PORT, "removal", AMELIA, NOW + timedelta(days=81))
    assert repeated.given.passes_at == NOW + timedelta(days=171)


def test_only_a_pending_notice_can_be_withdrawn(registry: Registry, environment: str) -> None:
    deployed(registry, environment, contract(environment))
    give_notice(registry, environment, PORT, "retirement", AMELIA, NOW)
    with pytest.raises(NoSuchNotice, match="no notice of the removal") as missing:
        withdraw_notice(registry, environment, PORT, "removal", AMELIA, NOW)
    assert missing.value.hint == "there is notice of: retirement"
    registry.put(contract(environment, lifecycle="retired"))
    with pytest.raises(HappenedAlready, match=r"the retirement of .* has happened"):
        withdraw_notice(registry, environment, PORT, "retirement", AMELIA, NOW)


def test_the_longer_currently_promised_period_counts(registry: Registry, environment: str) -> None:
    deployed(registry, environment, contract(environment))
    give_notice(registry, environment, PORT, "removal", AMELIA, NOW)
    registry.put(contract(environment, "2.1.0", period="180d"))
    [given] = notices_of(registry, environment, [PORT])[PORT]
    assert given.passes_at == NOW + timedelta(days=180)


def test_without_a_notice_period_a_notice_informs_and_blocks_nothing(registry: Registry, environment: str) -> None:
    deployed(registry, environment, contract(environment, period=""))
    assert give_notice(registry, environment, PORT, "removal", AMELIA, NOW).given.passes_at == NOW


def test_notices_are_settled_with_their_major_version(registry: Registry, environment: str) -> None:
    before = contract(environment)
    deployed(registry, environment, before)
    for what in NOTICES:
        give_notice(registry, environment, PORT, what, AMELIA, NOW)
    settle_notices(registry, before, contract(environment, "2.1.0"), OWNER, NOW)
    assert sorted(whats(registry, environment)) == sorted(NOTICES)
    settle_notices(registry, before, contract(environment, "3.0.0"), OWNER, NOW)
    assert whats(registry, environment) == []


def test_a_deployed_deprecation_is_a_notice_unless_one_was_given(registry: Registry, environment: str) -> None:
    active, deprecated = contract(environment), contract(environment, lifecycle="deprecated")
    deployed(registry, environment, active)
    settle_notices(registry, active, deprecated, "ci@build", NOW)
    [given] = notices_of(registry, environment, [PORT])[PORT]
    assert (given.notice.what, given.given_by, given.notice.given_at) == ("deprecation", "ci@build", NOW)
    settle_notices(registry, deprecated, deprecated, "ci@build", NOW + timedelta(days=9))
    assert notices_of(registry, environment, [PORT])[PORT] == [given]
    settle_notices(registry, deprecated, active, "ci@build", NOW)
    assert whats(registry, environment) == [], "a deprecation that is taken back counts for nothing later"

    give_notice(registry, environment, PORT, "deprecation", AMELIA, NOW)
    settle_notices(registry, active, active, "ci@build", NOW)
    settle_notices(registry, active, deprecated, "ci@build", NOW + timedelta(days=9))
    [reported] = notices_of(registry, environment, [PORT])[PORT]
    assert (reported.given_by, reported.notice.given_at) == (OWNER, NOW)


def test_notices_of_a_deleted_port_stay_in_the_history_only(registry: Registry, environment: str) -> None:
    promised = contract(environment)
    deployed(registry, environment, promised)
    give_notice(registry, environment, PORT, "removal", AMELIA, NOW)
    drop_notices(registry, promised)
    assert whats(registry, environment) == []
    assert [change.change for change in registry.history(environment, address=f"{PORT}#removal@2.0.0")] == [
        "removed",
        "created",
    ]


def test_no_port_means_no_lookup(registry: Registry, environment: str) -> None:
    assert notices_of(registry, environment, []) == {}
