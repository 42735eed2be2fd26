"""The comment on a merge request: verdict, counts, dangers, then each product, folded by port.

A comment has a limit. The renderer leaves out whole parts (properties, then resources, then ports, then products), and
says which. It cuts no text, and the verdict and the counts are always there.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from alchemesh_cli.render.review.document import ReadPreview, ReadPreviews, ReadRemoved
from alchemesh_cli.render.review.ports import Detail, Dialect, block_of, is_offline, line_of, title
from alchemesh_cli.render.review.text import code, prose
from alchemesh_cli.render.review.verdict import SIGNS, Gravity, Verdict, all_totals, errors_of, judge, warnings_of
from alchemesh_cli.render.text.quantities import counted

LONGEST = 60_000  # characters; GitHub refuses 65,536
LONGEST_NAME = 200  # characters of a product and its environment in the first line
LONGEST_COMMAND = 600
MOST_DANGERS = 8
MOST_NOTES = 12
MOST_OWNERS = 12
MOST_MISSES = 20  # products that do not fit in more detail, before the others are not tried
MARGIN = 400  # for the sentence on what is left out

Judged = tuple[ReadPreview, Verdict]


def comment(document: ReadPreviews, dialect: Dialect, *, longest: int = LONGEST) -> str:
    """The whole comment, without the marker by which it is found again.

    Args:
        document: The previews.
        dialect: Where it is shown.
        longest: Maximum number of characters.
    """
    judged = _once(sorted(((one, judge(one)) for one in document.previews), key=lambda pair: pair[1].gravity))
    parts = (f"### {first_line(judged, document.removed)}", _counts(judged), _dangers(judged, document.removed))
    head = "\n\n".join(part for part in parts if part)
    foot = "\n\n".join(_foot(document))
    body = "\n\n".join(_body(judged, dialect, longest - len(head) - len(foot) - MARGIN))
    return "\n\n".join(part for part in (head, body, foot) if part)


def _once(judged: Iterable[Judged]) -> list[Judged]:
    """The previews; one whose problems an earlier preview of the product has too refers to that one."""
    seen: dict[tuple[object, ...], str] = {}
    found = []
    for one, verdict in judged:
        problems = (*errors_of(one), *warnings_of(one))
        first = seen.setdefault((one.product, one.folder, one.error, problems), one.environment) if problems else ""
        repeats = first if first != one.environment else ""
        found.append((one.model_copy(update={"repeats": repeats}), verdict))
    return found


def first_line(judged: list[Judged], removed: Sequence[ReadRemoved] = ()) -> str:
    """The verdict: of the one product that matters, or of all. Then the number of products without a manifest."""
    gone = len({each.product for each in removed})
    if not gone:
        return _verdict(judged)
    words = f"{counted(gone, 'product')} removed"
    if not judged:
        return f"{SIGNS[Gravity.DANGEROUS]} {words}, no other data product is affected"
    sign, _, verdict = _verdict(judged).partition(" ")
    return f"{SIGNS[Gravity.DANGEROUS] if sign == SIGNS[Gravity.CHANGED] else sign} {verdict}, {words}"


def _verdict(judged: list[Judged]) -> str:
    if not judged:
        return f"{SIGNS[Gravity.UNCHANGED]} no data product is affected"
    offline = " (offline)" if any(is_offline(one) for one, _ in judged) else ""
    notable = [pair for pair in judged if pair[1].gravity is not Gravity.UNCHANGED]
    if len(judged) == 1 or len(notable) == 1:
        one, verdict = judged[0]
        name = title(one, code)
        name = name if len(name) <= LONGEST_NAME else f"1 product{offline}"
        return f"{verdict.sign} {name}: {verdict.sentence}"
    environments = len({one.environment for one, _ in judged})
    products = len({(one.product, one.folder) for one, _ in judged})
    of = f"{counted(products, 'product')} · {counted(environments, 'environment')}{offline}"
    if not notable:
        return f"{SIGNS[Gravity.UNCHANGED]} {of}: no changes"
    return f"{judged[0][1].sign} {of}: {_gravities(judged)}"


def _gravities(judged: Iterable[Judged]) -> str:
    """``1 failed, 2 breaking, 1 changed, 196 unchanged``, the gravest first."""
    count = Counter(verdict.gravity for _, verdict in judged)
    return ", ".join(f"{count[each]:,} {each.name.lower()}" for each in Gravity if count[each])


def _counts(judged: list[Judged]) -> str:
    """Line 2: the changes of all previews, and the number of previews of each kind."""
    verdicts = [verdict for _, verdict in judged]
    words = [all_totals(verdicts)] if not judged or any(one.preview is not None for one, _ in judged) else []
    if len(judged) > 1:
        words.append(f"{counted(len(judged), 'preview')}: {_gravities(judged)}")
    return " · ".join(words)


def _dangers(judged: list[Judged], removed: Sequence[ReadRemoved]) -> str:
    """Line 3: what is dangerous, what is unknown, and the owners to ask."""
    several = len(judged) > 1
    found = [
        f"{f'{title(one, code)} ' if several else ''}{danger}" for one, verdict in judged for danger in verdict.dangers
    ]
    found += [
        f"{code(each.product)} · {code(each.environment)} has no manifest any more: what is deployed stays"
        for each in removed
    ]
    shown = [danger for danger in found if len(danger) <= LONGEST_COMMAND][:MOST_DANGERS]
    if len(found) > len(shown):
        shown.append(f"{len(found) - len(shown):,} more")
    owners = list(dict.fromkeys(email for _, verdict in judged for email in verdict.owners))
    asked = [code(email) for email in owners if len(email) <= LONGEST_NAME][:MOST_OWNERS]
    ask = ""
    if owners:
        more = f" and {len(owners) - len(asked):,} more" if len(owners) > len(asked) else ""
        ask = f" **Ask** {', '.join(asked)}{more}."
    unknown = "Offline: lost data, replacements and revoked access are unknown."
    offline = any(is_offline(one) for one, _ in judged)
    if shown:
        return f"**Dangerous:** {'; '.join(shown)}.{f' {unknown}' if offline else ''}{ask}"
    if offline:
        return f"{unknown}{ask}"
    if judged and all(one.preview is None for one, _ in judged):
        return f"Known so far: nothing.{ask}"
    safe = "Known so far: no" if any(_is_partly_known(one) for one, _ in judged) else "No"
    return f"{safe} data is deleted, no resource with data is replaced, no access is revoked.{ask}"


def _is_partly_known(one: ReadPreview) -> bool:
    """Whether a preview may have missed a danger: it did not run to its end."""
    return one.preview is None or one.outcome in ("failed", "cancelled")


def _body(judged: list[Judged], dialect: Dialect, space: int) -> Iterator[str]:
    """The products that matter, in the most detail that fits; then the names of the unchanged ones."""
    notable = [pair for pair in judged if pair[1].gravity is not Gravity.UNCHANGED or len(judged) == 1]
    quiet = [one for one, verdict in judged if verdict.gravity is Gravity.UNCHANGED and len(judged) > 1]
    blocks: list[str] = []
    shown: list[Judged] = []
    for pair in notable:
        line = line_of(*pair)
        if len(line) + 2 <= space:
            blocks.append(line)
            shown.append(pair)
            space -= len(line) + 2
    details = dict.fromkeys(range(len(shown)), Detail.LINE)
    grave = [index for index, (_, verdict) in enumerate(shown) if verdict.gravity < Gravity.CHANGED]
    others = [index for index in details if index not in set(grave)]
    # Grave products get all their details first; the others share the rest, one level of detail after the other.
    turns = [(index, detail) for index in grave for detail in _MORE]
    turns += [(index, detail) for detail in _MORE for index in others]
    full: set[str] = set()
    misses = 0
    for index, detail in turns:
        one, verdict = shown[index]
        turn = f"product {index}" if verdict.gravity < Gravity.CHANGED else detail.name
        if turn in full or misses > MOST_MISSES:
            continue
        opened = len(judged) == 1 or verdict.gravity is Gravity.FAILED
        block = block_of(one, verdict, detail, dialect, opened=opened, alone=len(judged) == 1)
        more = len(block) - len(blocks[index])
        if more > space:
            full.add(turn)
            misses += 1
            continue
        space -= more
        blocks[index], details[index] = block, detail
    yield from blocks
    if len(notable) > len(shown):
        yield f"- and {counted(len(notable) - len(shown), 'product')} more"
    short: Counter[Detail] = Counter(detail for detail in details.values() if detail is not Detail.PROPERTIES)
    if short:
        left_out = ", ".join(
            f"{_LEFT_OUT[each]} of {counted(short[each], 'product')}" for each in Detail if short[each]
        )
        yield f"*Left out, for a comment of at most {LONGEST:,} characters: {left_out}. The JSON document has all.*"
    if quiet:
        yield _unchanged(quiet, space)


_MORE = (Detail.PORTS, Detail.RESOURCES, Detail.PROPERTIES)
_LEFT_OUT = {Detail.LINE: "ports", Detail.PORTS: "resources", Detail.RESOURCES: "properties"}


def _unchanged(quiet: list[ReadPreview], space: int) -> str:
    names = ", ".join(title(one, code) for one in quiet)
    whole = f"<details><summary>{len(quiet):,} unchanged</summary>\n\n- {names}\n\n</details>"
    return whole if len(whole) <= space else f"{len(quiet):,} unchanged"


def _foot(document: ReadPreviews) -> Iterator[str]:
    """The command to run it again, the commit and the time."""
    notes = [note for note in document.notes if len(note) <= LONGEST_COMMAND][:MOST_NOTES]
    for note in notes:
        yield f"Note: {prose(note)}"
    if len(document.notes) > len(notes):
        yield f"And {counted(len(document.notes) - len(notes), 'note')} more, in the JSON document."
    again = shlex.join(document.again)
    if again and len(again) <= LONGEST_COMMAND:
        yield f"Run it again: {code(again)}"
    words = [code(document.commit[:12])] if document.commit else []
    words += [code(document.at)] if document.at else []
    words += [f"alchemesh {code(document.version)}"] if document.version else []
    if words:
        yield f"<sub>{' · '.join(words)}</sub>"
