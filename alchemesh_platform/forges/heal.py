"""One comment for each merge request, whatever happened before: it is created, updated, or merged from several.

A comment has a marker that no reader sees: its key, and the run that wrote it. Only own comments count, so a copied
marker in the comment of another person changes nothing. The oldest comment stays, with the text of the newest run; the
others go. Two runs at the same time come to the same result, because each looks again until nothing is left to do, and
once more after a pause: forges have no request that writes only if the text is still the one that was read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from alchemesh_platform.forges.client import ForgeFailure, NotThere

KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
ROUNDS = 7  # looks at the comments before the run gives up
SETTLED = 1.0  # seconds after which another run has written what it was about to write

_MARKER = re.compile(r"<!-- alchemesh:([a-z0-9-]+) run=(\d{1,20})\.(\d{1,20}) -->\s*\Z")

Act = Literal["created", "updated", "unchanged", "outdated", "nothing"]


class Run(NamedTuple):
    """The place of a run in the order of all runs: the number of the pipeline, and the attempt."""

    number: int
    attempt: int = 1


class Comment(NamedTuple):
    """A comment on a merge request. Newer comments have higher ids."""

    id: int
    author: str
    body: str


class MergeRequest(Protocol):
    """A merge request of a forge."""

    def address(self) -> str:
        """Its address for a person."""
        ...

    def author(self) -> str:
        """The name of the token's user, as its comments have it."""
        ...

    def head(self) -> str | None:
        """The newest commit; None if unknown."""
        ...

    def comments(self) -> Iterable[Comment]:
        """All comments."""
        ...

    def comment(self, number: int) -> Comment:
        """One comment, as it is now."""
        ...

    def create(self, body: str) -> Comment:
        """Add a comment."""
        ...

    def update(self, number: int, body: str) -> None:
        """Replace the text of a comment."""
        ...

    def delete(self, number: int) -> None:
        """Remove a comment."""
        ...


@dataclass(frozen=True, slots=True)
class Posted:
    """The result of posting.

    Args:
        act: The act; ``outdated`` if a newer run has written the comment, or the merge request has a newer commit.
        removed: Number of removed copies.
    """

    act: Act
    removed: int = 0


def marked(text: str, key: str, run: Run) -> str:
    """A text with the marker as its last line."""
    return f"{text.rstrip()}\n\n<!-- alchemesh:{key} run={run.number}.{run.attempt} -->"


def run_of(body: str, key: str) -> Run | None:
    """The run that wrote a comment; None if it has no marker with this key at its end."""
    found = _MARKER.search(body)
    return Run(int(found[2]), int(found[3])) if found is not None and found[1] == key else None


def heal(
    request: MergeRequest,
    text: str,
    run: Run,
    *,
    key: str = "preview",
    commit: str | None = None,
    only_replace: bool = False,
    wait: Callable[[float], None] = lambda _seconds: None,
) -> Posted:
    """Post a text as the one comment with a key.

    Args:
        request: The merge request.
        text: The text, without the marker.
        run: The run that posts.
        key: Name of the comment. A merge request can have one comment for each key.
        commit: The previewed commit. If the merge request has another one, an existing comment stays as it is: the run
            of that commit writes it.
        only_replace: Whether no comment is created, because there is nothing to say.
        wait: Waits for a number of seconds before the last look.

    Raises:
        ForgeFailure: when the forge does not carry it out.
    """
    body, own = marked(text, key, run), request.author()
    made: dict[int, Comment] = {}
    written: set[int] = set()
    removed = 0
    act: Act | None = None
    has_waited = False
    for _ in range(ROUNDS):
        known = {each.id: each for each in request.comments() if each.author == own and run_of(each.body, key)}
        # A list may be older than a comment that was just created or written.
        found = sorted({**made, **known}.values(), key=lambda each: each.id)
        if not found:
            if only_replace:
                return Posted("nothing")
            created = request.create(body)
            made[created.id] = created
            written.add(created.id)
            act = "created"
            continue
        if act is None and commit is not None and request.head() not in (None, commit):
            return Posted("outdated")
        best = max(found, key=lambda each: (run_of(each.body, key) or run, each.id))
        is_outdated = (run_of(best.body, key) or run) > run
        wanted = best.body if is_outdated else body
        oldest, *others = found
        is_written = oldest.id in written and run_of(oldest.body, key) == run_of(wanted, key)
        if not others and (is_written or _same(oldest.body, wanted)):
            if written and not has_waited:
                wait(SETTLED)
                has_waited = True
                continue
            return Posted("outdated" if is_outdated else act or "unchanged", removed)
        if not is_written and not _same(oldest.body, wanted):
            try:
                if _is_newer(request.comment(oldest.id), best, key):
                    continue  # another run has written it since the look
                request.update(oldest.id, wanted)
            except NotThere:  # another run has removed it
                made.pop(oldest.id, None)
                continue
            written.add(oldest.id)
            made[oldest.id] = oldest._replace(body=wanted) if oldest.id in made else oldest
            act = act or "updated"
        for copy in others:
            with suppress(NotThere):
                request.delete(copy.id)
                removed += 1
            made.pop(copy.id, None)
    raise ForgeFailure(
        f"other runs change the comment on {request.address()} all the time", hint="run the job again later"
    )


def _is_newer(now: Comment, best: Comment, key: str) -> bool:
    """Whether a comment has the text of a newer run than the newest one of a list."""
    found, known = run_of(now.body, key), run_of(best.body, key)
    return found is not None and known is not None and found > known


def _same(one: str, other: str) -> bool:
    """Whether two texts are the same but for the ends of lines, which forges change."""
    one, other = ("\n".join(line.rstrip() for line in text.strip().splitlines()) for text in (one, other))
    return one == other
