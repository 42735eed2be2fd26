"""Versions of a contract.

The registry keeps each one permanently, and the promise of an active version never changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.contracts.compatibility.diff import diff_port
from alchemesh_platform.contracts.compatibility.rules import check_change, numbers_of
from alchemesh_platform.contracts.recorded import kept_promise, promise_of
from alchemesh_platform.manifest.models import ContractLifecycle
from alchemesh_platform.registry.records import ContractRecord, ContractVersionRecord

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry


class VersionExists(Failure):
    """Raised when a published version would be recorded with a different promise."""

    exit_code = ExitCode.FORBIDDEN


def version_address(port: str, version: str) -> str:
    """``domain/product/port@1.2.0``."""
    return f"{port}@{version}"


def kept_versions(registry: Registry, environment: str, product: str) -> dict[str, list[ContractVersionRecord]]:
    """Every recorded version of the contract of each port, by address, the newest first."""
    found: dict[str, list[ContractVersionRecord]] = {}
    for version in registry.all(ContractVersionRecord, environment, product):
        found.setdefault(version.port, []).append(version)
    for versions in found.values():
        versions.sort(key=lambda each: numbers_of(each.version), reverse=True)
    return found


def keep_version(registry: Registry, contract: ContractRecord) -> None:
    """Record the version of a contract, within the transaction that records the contract.

    Raises:
        VersionExists: when that version was published with a different promise.
    """
    address = version_address(contract.address, contract.version)
    kept = registry.get(ContractVersionRecord, contract.environment, address)
    registry.put(version_to_keep(kept, contract))


def version_to_keep(kept: ContractVersionRecord | None, contract: ContractRecord) -> ContractVersionRecord:
    """The new record of a version.

    A draft may still change. Of a published version, only the lifecycle may change. A corrected description under the
    same version changes the record of the port, but not the record of the version.

    Raises:
        VersionExists: when the version was published with a different promise.
    """
    if kept is None or kept.lifecycle == ContractLifecycle.DRAFT:
        return ContractVersionRecord(
            environment=contract.environment,
            address=version_address(contract.address, contract.version),
            product=contract.product,
            port=contract.address,
            version=contract.version,
            lifecycle=contract.lifecycle,
            access=contract.access,
            document=contract.document,
            models=contract.models,
            protocols=contract.protocols,
        )
    before, after = kept_promise(kept), promise_of(contract)
    errors = [found for found in check_change(before, after, diff_port(before, after)) if found.severity == "error"]
    if errors:
        messages = "; ".join(f"{error.message}" for error in errors)
        raise VersionExists(f"{contract.address} in {contract.environment}: {messages}", hint=errors[0].hint)
    lifecycle = contract.lifecycle
    return kept.model_copy(update={"lifecycle": lifecycle, "document": {**kept.document, "lifecycle": lifecycle}})
