"""The changes of a preview as Markdown, for a comment on a merge request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alchemesh_cli.context_options import with_context_options
from alchemesh_cli.printing import plain
from alchemesh_cli.render.live import Screen, closing
from alchemesh_platform.base.printable import code_block, for_markdown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alchemesh_platform.base.problems import Problem
    from alchemesh_platform.deployment.outcome import Outcome


def comment(screen: Screen, outcome: Outcome) -> str:
    """The tree as a code block, the totals, and each problem and warning with its place."""
    emulated = ", emulated" if outcome.emulated else ""
    lines = [
        f"### {for_markdown(outcome.product)} in {for_markdown(outcome.environment)}{emulated}: {outcome.outcome}",
        "",
        code_block(plain(screen.ended_tree(outcome)), "text"),
        "",
        for_markdown(" · ".join(closing(outcome, ""))),
    ]
    for heading, problems in (
        ("Problems", (*outcome.problems, *outcome.forbidden)),
        ("Warnings", outcome.warnings),
    ):
        if problems:
            lines += ["", f"**{heading}**", "", *(line for problem in problems for line in _lines(problem))]
    if outcome.notes:
        lines += ["", "**Notes**", "", *(f"- {for_markdown(with_context_options(note))}" for note in outcome.notes)]
    return "\n".join(lines)


def _lines(problem: Problem) -> Iterator[str]:
    yield f"- {for_markdown(str(problem.location))} {for_markdown(problem.message)}"
    if problem.hint:
        yield f"  hint: {for_markdown(with_context_options(problem.hint))}"
