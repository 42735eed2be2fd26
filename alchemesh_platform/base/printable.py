"""Text of other people that is safe to show: on a terminal, in Markdown and in HTML.

Names, descriptions, purposes and messages come from manifests, requests and services. An escape sequence in them can
hide or forge lines of a terminal, and a bidirectional mark can reverse what a reader sees. Such characters are shown as
JSON escapes them, ``\\u001b``, so that a cleaned JSON document has the same value.

Source: https://www.unicode.org/reports/tr9/ and https://trojansource.codes (bidirectional controls);
https://www.ecma-international.org/publications-and-standards/standards/ecma-48/ (C0 and C1 controls)
"""

from __future__ import annotations

import re

# Controls except tab and line feed, bidirectional and invisible characters, tags, noncharacters and lone surrogates.
# Joiners stay: scripts and emoji need them.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufdd0-\ufdef\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)
_LINES = re.compile(r"\s*[\r\n\x0b\x0c\x85\u2028\u2029]\s*|\t")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~@-])")
_HIGHEST_BASIC = 0xFFFF


def clean(text: str) -> str:
    """A text with every character that could deceive a reader shown as its escape. Lines and tabs stay."""
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(lambda found: escaped(found[0]), text)


def one_line(text: str) -> str:
    """A cleaned text in one line, for a cell or a line of a tree: no part of it looks like a line of its own."""
    return clean(_LINES.sub(" ", text))


def for_markdown(text: str) -> str:
    """A text as one line of Markdown that shows exactly this text: no markup, no HTML, no mention of a user."""
    import html  # its table of entities is needed here only

    return _MARKDOWN.sub(r"\\\1", html.escape(one_line(text), quote=False))


def code_block(text: str, language: str = "") -> str:
    """Lines as a code block of Markdown that no line of them can end."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * max(longest + 1, 3)
    return f"{fence}{language}\n{clean(text)}\n{fence}"


def for_html(text: str) -> str:
    """A text for the content or for a quoted attribute of HTML."""
    import html

    return html.escape(clean(text))


def escaped(char: str) -> str:
    """A character as JSON escapes it."""
    code = ord(char)
    if code <= _HIGHEST_BASIC:
        return f"\\u{code:04x}"
    above = code - 0x10000
    return f"\\u{0xD800 + (above >> 10):04x}\\u{0xDC00 + (above & 0x3FF):04x}"
