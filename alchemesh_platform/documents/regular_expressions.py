"""Regular expressions that every engine of the platform matches in time proportional to the text.

DuckDB, Arrow, BigQuery and CEL use RE2, which never backtracks. Python backtracks: a pattern such as ``(a+)+b`` may
take years for a text of forty characters. So a pattern has to be one that RE2 accepts, and code matches it with RE2.

Source: https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from re import _parser  # type: ignore[attr-defined]  # the parser of `re`: the standard library has no other
from typing import Any

REPEAT_MAX = 1000  # of RE2, also for repeats within repeats

_REFUSED = {
    "ASSERT": "a look-ahead or look-behind",
    "ASSERT_NOT": "a look-ahead or look-behind",
    "GROUPREF": "a back-reference",
    "GROUPREF_EXISTS": "a condition on a group",
    "ATOMIC_GROUP": "an atomic group",
    "POSSESSIVE_REPEAT": "a possessive repeat",
}


def pattern_problem(pattern: str) -> str | None:
    """The reason why a text is no regular expression, or one that cannot be matched in bounded time; None if it is."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
            parsed = _parser.parse(pattern)
        refused = next(_refused(parsed, 1), None)
    except (re.error, OverflowError, RecursionError) as error:
        return f"expected a regular expression: {error}"
    return f"expected one that is matched in bounded time (RE2): it has {refused}" if refused else None


def _refused(parsed: Any, repeats: int) -> Iterator[str]:
    """The parts of a parsed pattern that RE2 does not accept.

    Args:
        parsed: A part of the pattern.
        repeats: How often the surrounding repeats match it at most.
    """
    for operator, argument in parsed:
        if str(operator) in _REFUSED:
            yield _REFUSED[str(operator)]
        here = repeats
        if str(operator) in {"MAX_REPEAT", "MIN_REPEAT"}:
            least, most, _part = argument
            counted = int(least if most is _parser.MAXREPEAT else most)
            here = repeats * max(counted, 1)
            if here > REPEAT_MAX:
                yield f"more than {REPEAT_MAX} repeats"
                continue
        for part in _parts(argument):
            yield from _refused(part, here)


def _parts(argument: Any) -> Iterator[Any]:
    """The patterns within the argument of an operator."""
    if isinstance(argument, _parser.SubPattern):
        yield argument
    elif isinstance(argument, list | tuple):
        for each in argument:
            yield from _parts(each)
