"""The commitments that a change touches while they are broken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from alchemesh_platform.base.problems import Problem
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.contracts.port import place_in_manifest
from alchemesh_platform.documents.document import Path, written
from alchemesh_platform.levels.commitment import TEST, USAGE, Commitment
from alchemesh_platform.levels.read import read_commitments

if TYPE_CHECKING:
    from alchemesh_platform.contracts.compatibility.step import PortStep
    from alchemesh_platform.manifest.load import LoadedManifest
    from alchemesh_platform.registry.store import Registry


def broken_commitments(
    registry: Registry, environment: str, product: str, steps: Sequence[PortStep], now: datetime
) -> tuple[Commitment, ...]:
    """The commitments that are broken now, of the ports whose contracts or models change.

    Args:
        product: ``domain/product``.
        steps: The contract step of each port.
        now: The time of the verdicts.
    """
    changed = {step.address for step in steps if step.before is not None and step.diff.changes}
    if not changed:
        return ()
    found = read_commitments(registry, environment, product, now)
    return tuple(each for each in found if each.verdict == "broken" and each.port in changed)


def commitment_problems(broken: Iterable[Commitment], manifest: LoadedManifest) -> list[Problem]:
    """A warning for each broken commitment, at its line."""
    problems = []
    for each in broken:
        place = place_in_manifest(_path(each), manifest.tree, each.port.rpartition("/")[2])
        product = each.port.rpartition("/")[0]
        problems.append(
            Problem(
                manifest.locate(place),
                written(place),
                f"{each.port} is changed while a commitment is broken: {in_words(each)}",
                remedy("find the cause first; {} shows the history", command("status", product)),
                severity="warning",
            )
        )
    return problems


def in_words(each: Commitment) -> str:
    """``uptime is 98.2%, promised 99.5%``; of a business test, ``test unique-sales failed: found 2``."""
    model = f" of {each.asset.rpartition('/')[2]}" if each.asset else ""
    reason = f" ({each.reason})" if each.reason else ""
    if each.name.startswith(TEST):
        return f"test {each.name.removeprefix(TEST)} {each.value or 'failed'}, promised {each.promise}{reason}"
    name = each.name.replace(":", " ").replace("_", " ")
    return f"{name}{model} is {each.value or 'worse'}, promised {each.promise}{reason}"


def _path(each: Commitment) -> Path:
    if each.name.startswith(TEST):
        return ("contract", "quality", each.name.removeprefix(TEST))
    if each.name.startswith(USAGE):
        return ("contract", "terms")
    return ("contract", "service_levels", each.name)
