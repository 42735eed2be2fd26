"""Verify the contracts of a product: run their business tests on its rows, and read the verdict of each commitment."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.levels.commitment import TEST

if TYPE_CHECKING:
    from alchemesh_platform.catalog.discover import Catalog
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.levels.commitment import Commitment
    from alchemesh_platform.manifest.models import QualityRule
    from alchemesh_platform.measures.report import Report
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.quality.rules import Verdict
    from alchemesh_platform.quality.tables import Limits
    from alchemesh_platform.registry.records import ContractRecord, PortRecord
    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.sdk.connections.ports import Connections


class CommitmentsBroken(Failure):
    """Raised when a business test failed or could not be run, or a service level is broken."""


class NotMeasurable(Failure):
    """Raised when a business test or a measurement could not be run, and nothing is broken."""

    exit_code = ExitCode.NOT_MEASURABLE


class NotDecided(Failure):
    """Raised when a commitment is unknown or stale, and nothing is worse."""

    exit_code = ExitCode.NOT_DECIDED


class AtRisk(Failure):
    """Raised when a commitment is at risk, and the others are kept."""

    exit_code = ExitCode.AT_RISK


class NotYet(Failure):
    """Raised when verdicts of the future are asked for."""

    exit_code = ExitCode.USAGE


class NoContract(Failure):
    """Raised when a product has no output port of a name, or the port has no contract."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class VerifiedPort:
    """The verdicts of a port's contract.

    Args:
        port: Address of the port.
        contract: Version of the contract.
        verdicts: The verdict of each test that was run, in the order of the contract.
        commitments: Every commitment of the contract, the tests too, with its verdict.
    """

    port: str
    contract: str
    verdicts: tuple[Verdict, ...]
    commitments: tuple[Commitment, ...] = ()

    @property
    def levels(self) -> tuple[Commitment, ...]:
        """The commitments that are no business tests."""
        return tuple(each for each in self.commitments if not each.name.startswith(TEST))

    def as_json(self) -> dict[str, Any]:
        """The verdicts as one JSON object."""
        return {
            "port": self.port,
            "contract": self.contract,
            "tests": [each.as_json() for each in self.verdicts],
            "commitments": [each.as_json() for each in self.commitments],
        }


@dataclass(frozen=True, slots=True)
class Verification:
    """The verdicts of a product's contracts.

    Args:
        verified_at: The time of the verdicts.
    """

    environment: str
    product: str
    verified_at: datetime
    ports: tuple[VerifiedPort, ...]

    def as_json(self) -> dict[str, Any]:
        """The verdicts as one JSON object."""
        return {
            "environment": self.environment,
            "product": self.product,
            "verified_at": self.verified_at.isoformat(),
            "ports": [each.as_json() for each in self.ports],
        }


def check_verified(done: Iterable[Verification], *, detailed: bool = False) -> None:
    """Raise a failure if a contract is not kept.

    A failed test of another severity than ``error`` is no failure.

    Args:
        detailed: Whether errors, unknown commitments and commitments at risk have exit codes of their own. Without
            it, an error is as bad as a broken commitment, and the others are no failure.

    Raises:
        CommitmentsBroken: when a test failed or a service level is broken.
        NotMeasurable: when a test or a measurement could not be run, and nothing is broken.
        NotDecided: when a commitment is unknown or stale, and nothing is worse.
        AtRisk: when a commitment is at risk, and the others are kept.
    """
    ports = [port for one in done for port in one.ports]
    tests, errors = _tests(ports, "broken"), _tests(ports, "error")
    levels, unmeasured = _levels(ports, "broken"), _levels(ports, "error")
    if tests or levels or ((errors or unmeasured) and not detailed):
        more = ([], []) if detailed else (errors, unmeasured)
        parts = [_sentence("business test", "not fulfilled", tests), _sentence("service level", "not kept", levels)]
        parts.append(_sentence("commitment", "not measurable", [*more[0], *more[1]]))
        raise CommitmentsBroken("; ".join(part for part in parts if part))
    if not detailed:
        return
    if errors or unmeasured:
        raise NotMeasurable(_sentence("commitment", "not measurable", [*errors, *unmeasured]))
    if undecided := [*_tests(ports, "unknown", "stale"), *_levels(ports, "unknown", "stale")]:
        raise NotDecided(_sentence("commitment", "not decided", undecided))
    if at_risk := _levels(ports, "at_risk"):
        raise AtRisk(_sentence("commitment", "at risk", at_risk))


_OUTCOMES = {"failed": "broken", "error": "error", "unknown": "unknown"}


def _tests(ports: Iterable[VerifiedPort], *verdicts: str) -> list[str]:
    """The business tests with these verdicts: those that were run, or else those that were recorded."""
    found = []
    for port in ports:
        if port.verdicts:
            judged = [(each.test, _OUTCOMES.get(each.outcome, ""), each.severity) for each in port.verdicts]
        else:
            judged = [
                (each.name.removeprefix(TEST), "" if each.is_prose else each.verdict, each.severity)
                for each in port.commitments
                if each.name.startswith(TEST)
            ]
        found += [
            f"{test} of {port.port}"
            for test, verdict, severity in judged
            if verdict in verdicts and (verdict == "error" or severity == "error")
        ]
    return found


def _levels(ports: Iterable[VerifiedPort], *verdicts: str) -> list[str]:
    return [
        f"{each.name} of {each.asset or each.port}"
        for port in ports
        for each in port.levels
        if each.verdict in verdicts
    ]


def _sentence(noun: str, state: str, names: Sequence[str]) -> str:
    if not names:
        return ""
    subject = f"a {noun} is" if len(names) == 1 else f"{len(names)} {noun}s are"
    return f"{subject} {state}: {', '.join(names)}"


def verify_at(platform: Platform, product: str, at: datetime, port: str | None = None) -> Verification:
    """The verdicts of a product's contracts at a time, from the measurements that the registry has. No test is run.

    Args:
        platform: The environment.
        product: ``domain/product``.
        at: The time. A late report about an earlier time counts.
        port: Name of the one output port; by default all.

    Raises:
        NotDeployed: when the product is not deployed.
        NoContract: when the port has no contract.
        NotYet: when the time is in the future.
    """
    from alchemesh_platform.deployment.code.connections import product_record
    from alchemesh_platform.levels.promised import promised_at
    from alchemesh_platform.registry.records import ContractRecord
    from alchemesh_platform.registry.store import Registry

    environment = platform.environment
    with Registry.open(platform.registry) as registry:
        product_record(registry, environment, product)
        if at > registry.now():
            raise NotYet(f"{at:%Y-%m-%d %H:%M:%S} UTC is in the future", hint="give a time until now")
        contracts = _contracts(registry.all(ContractRecord, environment, product), product, port)
        versions = {each.port: each.version for each in promised_at(registry, environment, product, at, younger=False)}
        ports = [VerifiedPort(each.address, versions.get(each.address, ""), ()) for each in contracts]
        judged = _judged(registry, environment, product, [port for port in ports if port.contract], at)
        return Verification(environment, product, at, judged)


def _judged(
    registry: Registry, environment: str, product: str, ports: Iterable[VerifiedPort], at: datetime
) -> tuple[VerifiedPort, ...]:
    """The ports with their commitments at a time."""
    from alchemesh_platform.levels.read import read_commitments

    found = read_commitments(registry, environment, product, at)
    return tuple(replace(port, commitments=tuple(each for each in found if each.port == port.port)) for port in ports)


def verify(
    platform: Platform,
    product: str,
    actor: Identity,
    port: str | None = None,
    *,
    limits: Limits | None = None,
    note: Callable[[str], None] = lambda _line: None,
) -> Verification:
    """Run the business tests of the deployed contracts now, record the verdicts, and read those of all commitments.

    Args:
        platform: The environment.
        product: ``domain/product``.
        actor: The identity that verifies. It needs the right to report about the product.
        port: Name of the one output port to verify; by default all.
        limits: The most that the tests of each port may cost; by default ten minutes and 10 GiB.
        note: Receives a line before each port, and the size of a query that costs money before it runs.

    Raises:
        NotAllowed: when the actor may not report about the product.
        NotDeployed: when the product is not deployed.
        NoContract: when the port has no contract.
    """
    from alchemesh_platform.app.mesh.incidents import send_news
    from alchemesh_platform.app.mesh.lineage_events import send_verification
    from alchemesh_platform.app.rights import check_right_to_report
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.deployment.code.connections import product_record, read_connections
    from alchemesh_platform.deployment.emulation import emulator_variables, resume
    from alchemesh_platform.incidents.evaluate import add_measurements
    from alchemesh_platform.quality.tables import Limits
    from alchemesh_platform.registry.observations.series import PLATFORM
    from alchemesh_platform.registry.records import ContractRecord, PortRecord
    from alchemesh_platform.registry.store import Registry

    environment = platform.environment
    with Registry.open(platform.registry) as registry:
        product_record(registry, environment, product)
        check_right_to_report(registry, environment, actor, product)
        connections = read_connections(registry, environment, product)
        ports = {each.address: each for each in registry.all(PortRecord, environment, product)}
        contracts = _contracts(registry.all(ContractRecord, environment, product), product, port)
        moment = registry.now()
    resume(platform)
    catalog, environ = discover(), {**os.environ, **emulator_variables(platform)}
    done = []
    for contract in contracts:
        note(f"verifying {contract.address}")
        verdicts = _verdicts(connections, contract, ports[contract.address], catalog, limits or Limits(), note, environ)
        done.append(VerifiedPort(contract.address, contract.version, verdicts))
    reports = [report for one in done for report in _reports(product, one, moment)]
    with Registry.open(platform.registry) as registry:
        added = add_measurements(registry, environment, reports, PLATFORM, registry.now())
        judged = _judged(registry, environment, product, done, registry.now())
    for each in added.refused:  # the port was removed meanwhile
        note(f"a verdict is not recorded: {each.reason}")
    send_news(platform, note)
    send_verification(platform, product, moment, contracts, judged, note)
    return Verification(environment, product, moment, judged)


def _contracts(found: Sequence[ContractRecord], product: str, port: str | None) -> list[ContractRecord]:
    from alchemesh_platform.base.problems import did_you_mean

    if port is None:
        return list(found)
    names = {each.address.rpartition("/")[2]: each for each in found}
    if port not in names:
        raise NoContract(
            f"{product} has no output port {port!r} with a contract", hint=did_you_mean(port, sorted(names))
        )
    return [names[port]]


def _verdicts(
    connections: Connections,
    contract: ContractRecord,
    port: PortRecord,
    catalog: Catalog,
    limits: Limits,
    note: Callable[[str], None],
    environ: Mapping[str, str],
) -> tuple[Verdict, ...]:
    """The verdict of each test. If the storage cannot be opened, every test has the reason."""
    from alchemesh_platform.engine.install.cache import cache_folder
    from alchemesh_platform.manifest.models import QualityRule, SemanticModel
    from alchemesh_platform.observed.measuring import open_tables
    from alchemesh_platform.quality.rules import verify as verify_tables
    from alchemesh_platform.quality.tables import Deadline, NotMeasurable
    from alchemesh_platform.quality.work import reason_of

    rules = [QualityRule.model_validate(each) for each in contract.document.get("quality") or ()]
    if not rules:
        return ()
    deadline = Deadline(limits.patience)
    models = {name: SemanticModel.model_validate(each).properties for name, each in contract.models.items()}
    product, _, name = port.address.rpartition("/")
    output = connections.output(name)
    kept = cache_folder("quality")
    try:
        with open_tables(port.storage, catalog, product, name, output, models, limits, note, kept, environ) as tables:
            return tuple(verify_tables(tables, models, rules, deadline))
    except NotMeasurable as reason:
        return _without_verdict(rules, "unknown", str(reason))
    except Exception as error:  # noqa: BLE001 - a storage can be damaged in any way, and the other ports are verified
        return _without_verdict(rules, "error", reason_of(error))


def _without_verdict(rules: Sequence[QualityRule], outcome: Any, reason: str) -> tuple[Verdict, ...]:
    from alchemesh_platform.quality.rules import Verdict, in_words

    return tuple(
        Verdict(rule.name, "not executable", reason=rule.description)
        if rule.type == "text"
        else Verdict(rule.name, outcome, "", in_words(rule), reason, rule.severity or "error")
        for rule in rules
    )


def _reports(product: str, one: VerifiedPort, moment: datetime) -> Iterator[Report]:
    from alchemesh_platform.measures.report import read_report

    for each in one.verdicts:
        if each.outcome == "not executable":
            continue
        shared = {"product": product, "subject": one.port, "measure": f"{TEST}{each.test}", "measured_at": moment}
        if each.outcome in ("passed", "failed"):
            found = f"found {each.found}, expected {each.expected}{f'; {each.reason}' if each.reason else ''}"
            yield read_report({**shared, "value": float(each.outcome == "passed"), "note": found})
        else:
            yield read_report({**shared, "outcome": each.outcome, "note": each.reason or each.outcome})
