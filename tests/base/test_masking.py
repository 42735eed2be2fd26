"""Secret values are masked in every form in which a program may print them."""

from __future__ import annotations

import base64
import html
import json
import shlex
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alchemesh_platform.base.secrets import MASK, Masker, mask

SECRET = "p@ss/w\"o'r d+é\\&"
FORMS = {
    "itself": SECRET,
    "in JSON": json.dumps({"password": SECRET}),
    "in JSON, with unicode": json.dumps({"password": SECRET}, ensure_ascii=False),
    "in JSON within JSON": json.dumps({"log": json.dumps({"password": SECRET})}),
    "as Python shows it": repr([SECRET]),
    "as Python shows its bytes": repr(SECRET.encode()),
    "for a shell": f"export PASSWORD={shlex.quote(SECRET)}",
    "in HTML": f"<b>{html.escape(SECRET)}</b>",
    "in a URL": f"postgresql://owner:{quote(SECRET, safe='')}@host/db",
    "in a path": f"https://host/{quote(SECRET)}",
    "in a form": f"password={quote_plus(SECRET)}&user=owner",
    "in a URL with small escapes": quote(SECRET, safe="").replace("%C3%A9", "%c3%a9").replace("%2F", "%2f").lower(),
    "in hexadecimal": SECRET.encode().hex(),
    "in capital hexadecimal": SECRET.encode().hex().upper(),
    "in hexadecimal with colons": SECRET.encode().hex(":"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_masked_in_each_form(form: str) -> None:
    masked = mask(FORMS[form], {SECRET})
    assert MASK in masked
    assert not any(part in masked for part in ("p@ss", "w\\", "40737", "%2f", "%2F", "r d", "r+d", "r%20d"))


@given(
    secret=st.text(st.characters(codec="utf-8"), min_size=8, max_size=14),
    before=st.binary(max_size=7),
    after=st.binary(max_size=7),
)
def test_base64_that_contains_a_secret_reveals_none_of_its_whole_characters(
    secret: str, before: bytes, after: bytes
) -> None:
    data = secret.encode()
    begin = -(-len(before) * 8 // 6)
    end = (len(before) + len(data)) * 8 // 6
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        code = encode(before + data + after).decode()
        masked = mask(code, {secret})
        assert masked == code[:begin] + MASK + code[end:]


def test_wrapped_base64_of_a_long_secret_is_masked() -> None:
    secret = "".join(f"line {number} of a private key " for number in range(20))
    code = base64.encodebytes(secret.encode()).decode()
    assert set(mask(code, {secret}).split()) == {MASK}


def test_values_that_overlap_are_masked_together() -> None:
    assert mask("abcdefgh and wxyz", {"abcde", "defgh", "wxyz"}) == f"{MASK} and {MASK}"


def test_short_values_are_not_masked() -> None:
    assert mask("a cat sat", {"cat", "a", ""}) == "a cat sat"


@given(
    text=st.lists(st.sampled_from(["hunter2-hunter2", "hunter2", "-", "xyzxyz", "h"]), max_size=12).map("".join),
    cuts=st.lists(st.integers(0, 80), max_size=5),
)
def test_text_in_pieces_is_masked_like_the_whole_text(text: str, cuts: list[int]) -> None:
    masker = Masker({"hunter2-hunter2", "xyzx"})
    shown, rest, at = "", "", 0
    for cut in sorted({min(cut, len(text)) for cut in cuts}):
        begin, rest = masker.split(rest + text[at:cut])
        shown, at = shown + begin, cut
    assert shown + masker.mask(rest + text[at:]) == masker.mask(text)
