"""The result of a test of components."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from alchemesh_cli.terminal.printing import styled

if TYPE_CHECKING:
    from alchemesh_platform.app.components.conformance import Conformance


def conformance_lines(found: Conformance) -> Iterator[str]:
    """Each finding, and a line with the numbers."""
    for finding in found.findings:
        subject = f"{finding.component}, case {finding.case!r}" if finding.case else finding.component
        place = f"{finding.where}  " if finding.file else ""
        yield f"{place}{subject}: {styled(finding.rule, bold=True)}: {finding.what}"
        yield f"  why: {finding.why}"
        yield f"  fix: {finding.remedy}"
        yield ""
    broken = len({finding.component for finding in found.findings})
    number = len(found.findings)
    of = f"{_count(len(found.components), 'component')} · {_count(found.cases, 'case')}"
    if found.deployed is not None:
        of += f" · {_count(found.deployed, 'case')} deployed" + (
            "" if found.deployed or number else ": no case has `engine`"
        )
    result = f"{_count(number, 'finding')} in {_count(broken, 'component')}" if number else "no findings"
    yield f"{found.package}: {of} · {result}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
