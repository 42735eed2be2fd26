"""The step from the recorded contract of a port to the declared one, with the rules that it breaks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from alchemesh_platform.base.units import format_duration
from alchemesh_platform.contracts.compatibility.changes import PortDiff
from alchemesh_platform.contracts.compatibility.diff import diff_port
from alchemesh_platform.contracts.compatibility.rules import Finding, check_change, numbers_of
from alchemesh_platform.contracts.notices.period import Held, NoticeOf, notice_needed
from alchemesh_platform.contracts.port import PromisedPort
from alchemesh_platform.manifest.models import ContractLifecycle


@dataclass(frozen=True, slots=True)
class PortStep:
    """The transition of one port from its recorded contract to the declared one.

    Args:
        address: Of the port.
        before: The recorded contract; None if none is recorded.
        after: The declared contract; None if the port is removed.
        diff: Every change, with its effect on consumers.
        findings: The broken rules.
        notice: The change that requires notice to consumers; None if no notice is required.
        held: The reason why the change must wait, and the date; None if it is allowed, or was not checked.
        consumers: Addresses of the consumers with a grant of the port, sorted.
    """

    address: str
    before: PromisedPort | None
    after: PromisedPort | None
    diff: PortDiff
    findings: tuple[Finding, ...] = ()
    notice: NoticeOf | None = None
    held: Held | None = None
    consumers: tuple[str, ...] = ()

    @property
    def port(self) -> str:
        """Name of the port."""
        return self.address.rpartition("/")[2]

    @property
    def period(self) -> timedelta | None:
        """The notice period that the recorded contract promises."""
        return self.before.period if self.before is not None else None

    @property
    def promises(self) -> bool:
        """Whether the recorded or the declared port has a contract."""
        return any(port is not None and port.contract is not None for port in (self.before, self.after))

    def as_json(self) -> dict[str, Any]:
        """The step as one JSON document."""
        announced = self.notice is not None and bool(self.period)
        return {
            "port": self.address,
            "recorded": stage(self.before),
            "declared": stage(self.after),
            "kind": self.diff.kind,
            "changes": [change.as_json() for change in self.diff.changes],
            "findings": [finding.as_json() for finding in self.findings],
            "notice": {"what": self.notice, "period": format_duration(self.period or timedelta(0))}
            if announced
            else None,
            "consumers": list(self.consumers),
            "held": None if self.held is None else self.held.as_json(),
        }


def step_of(
    address: str, before: PromisedPort | None, after: PromisedPort | None, *, kept: PromisedPort | None = None
) -> PortStep:
    """Check the step from one contract of a port to another.

    Args:
        address: Of the port.
        before: The recorded contract.
        after: The declared contract.
        kept: The highest version ever recorded at that address, for a port that was removed and returns.
    """
    diff = diff_port(before, after)
    comes_back = before is None and kept is not None
    findings = _coming_back(kept, after) if comes_back else check_change(before, after, diff)
    return PortStep(address, before, after, diff, findings, notice_needed(before, after, diff))


def compare(address: str, before: PromisedPort | None, after: PromisedPort | None) -> PortStep:
    """The differences between two contracts of a port, without applying any rule."""
    return PortStep(address, before, after, diff_port(before, after))


def stage(port: PromisedPort | None) -> dict[str, str] | None:
    """Version and lifecycle of a contract, or None."""
    contract = port.contract if port is not None else None
    return None if contract is None else {"version": contract.version, "lifecycle": contract.lifecycle.value}


def _coming_back(kept: PromisedPort | None, after: PromisedPort | None) -> tuple[Finding, ...]:
    """A port that was removed and returns: with a recorded version, which must be unchanged, or with a new one."""
    was, now = (port.contract if port is not None else None for port in (kept, after))
    if kept is None or was is None or now is None:
        return ()
    if numbers_of(now.version) > numbers_of(was.version):
        was = was.model_copy(update={"lifecycle": ContractLifecycle.RETIRED})
    before = replace(kept, contract=was)
    return check_change(before, after, diff_port(before, after))
