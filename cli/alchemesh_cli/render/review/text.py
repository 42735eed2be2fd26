"""Text of other people in the Markdown of GitHub and GitLab: it never becomes markup, a mention, a link or a command.

GitHub and GitLab find mentions, references and links in the *rendered* text, so a backslash does not stop them; code
does. A word of letters stays text. Every other word becomes code, and so does each name and value.

Source: https://github.github.com/gfm/#code-spans, https://docs.gitlab.com/user/project/quick_actions/ (commands begin a
line, outside of code), https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls
"""

from __future__ import annotations

import html
import json
import re
from typing import Any

from alchemesh_platform.base.printable import one_line
from alchemesh_platform.base.secrecy.recognise import without_secrets

LONGEST_WORDS = 4_000  # characters of a message that is shown
LONGEST_VALUE = 80  # characters of a value that is shown

# A word that no renderer changes: letters and digits, with punctuation around them.
_PLAIN = re.compile(r"[(\"'“‘]*(?:[^\W_]+(?:[’'-][^\W_]+)*)?[)\"'”’.,;:?…–—→]*")
_REFERENCE = re.compile(r"(?i)gh-\d+|[0-9a-f]{7,}")
_SPAN = re.compile("`([^`]+)`")
_MARKS = re.compile(r"[),.;:?]+")
_ENDING = re.compile(r"[,;:.]+$")


def code(text: str) -> str:
    """A text as a code span that shows exactly this text."""
    shown = one_line(text)
    if not shown.strip():
        return "(empty)"
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def prose(text: str) -> str:
    """A sentence of other people. Words that a renderer could read as more than letters are code."""
    if len(text) > LONGEST_WORDS:
        return f"(a text of {len(text):,} characters)"
    shown: list[str] = []
    for index, part in enumerate(_SPAN.split(one_line(without_secrets(text)))):
        if index % 2:  # between backticks: code already
            shown.append(code(part))
            continue
        for number, word in enumerate(part.split()):
            if index and number == 0 and _MARKS.fullmatch(word) and not part.startswith(" "):
                shown[-1] += word  # punctuation behind code
            else:
                shown.append(_word(word))
    return " ".join(shown)


def _word(word: str) -> str:
    if _PLAIN.fullmatch(word) and not _REFERENCE.fullmatch(word.strip("()\"'“”‘’.,;:?…")):
        return html.escape(word, quote=False)
    end = _ENDING.search(word)
    if end is not None and end.start() > 0:
        return f"{code(word[: end.start()])}{end[0]}"
    return code(word)


def in_html(text: str) -> str:
    """A name in HTML, as code: in the summary of a fold, where Markdown does not work."""
    return f"<code>{html.escape(one_line(text) or '(empty)')}</code>"


def value(found: Any) -> str:
    """A value of a property in plain words. A long one is described, not cut."""
    if found is None:
        return "–"
    if isinstance(found, str):
        return found if len(found) <= LONGEST_VALUE else f"a text of {len(found):,} characters"
    shown = json.dumps(found, ensure_ascii=False)
    if len(shown) <= LONGEST_VALUE:
        return shown
    if isinstance(found, list):
        return f"a list of {len(found):,} items"
    return f"a mapping of {len(found):,} keys" if isinstance(found, dict) else f"a number of {len(shown):,} digits"


def is_described(found: Any) -> bool:
    """Whether :func:`value` describes a value instead of showing it."""
    return found is not None and len(found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)) > (
        LONGEST_VALUE
    )
