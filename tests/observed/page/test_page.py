"""The page of a product: one file that loads nothing, with every text escaped, in light and dark."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from alchemesh_platform.incidents.incident import Facts, Incident, Transition
from alchemesh_platform.observed.models import OutputStatus, ProductStatus, StateStatus
from alchemesh_platform.observed.page.page import product_page
from alchemesh_platform.registry.observations.history import History, Slot
from parts.tools import chromium
from tests.needs import need_chromium
from tests.observed.status.commitments import FLIGHT, NOW, PORT, every_verdict

SINCE, HOUR, DAY = NOW - timedelta(hours=6), timedelta(hours=1), timedelta(days=1)
HOSTILE = "</title><script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u202e\x1b[31m"


def history(*values: float | None) -> History:
    """Hours with a value each; None is a gap."""
    slots = (
        Slot(SINCE + HOUR * place) if value is None else Slot(SINCE + HOUR * place, 1, 0, 0, value, value, value)
        for place, value in enumerate(values)
    )
    return History(SINCE, HOUR, tuple(slots))


HISTORIES = {
    ("aviation/flights", "state"): History(SINCE, HOUR, (Slot(SINCE, 1, state="down", worst_state="down"),)),
    (FLIGHT, "lag"): history(12.0, 12.0, None, None, 400.0, 12.0),
    (FLIGHT, "completeness"): history(0.99, 1.0, 1.0, None, 0.98, 0.98),
    (PORT, "uptime:rest"): history(1.0, 0.98, 1.0, 1.0, 1.0, 1.0),
    (PORT, "test:unique-sales"): history(1.0, 0.0, 1.0, 1.0, 0.0, 0.0),
}


def page(
    text: str = "the feed is late",
    found: dict[tuple[str, str], History] | None = None,
    incidents: tuple[Incident, ...] = (),
) -> str:
    commitments = tuple(each.model_copy(update={"reason": text, "value": text}) for each in every_verdict())
    port = OutputStatus(name="flights-table", address=PORT, description=text, commitments=commitments)
    status = ProductStatus(
        environment="local",
        address="aviation/flights",
        is_deployed=True,
        health="healthy",
        owner=text,
        team="t",
        version="1.0.0",
        lifecycle="stable",
        description=text,
        state=StateStatus(state="down", note=text, at=NOW, reported_by=text),
        outputs=(port,),
    )
    return product_page(status, HISTORIES if found is None else found, NOW, 30 * DAY, incidents)


class Elements(HTMLParser):
    """Every element of a page with its attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_loads_nothing() -> None:
    text = page()
    elements = Elements(text).found

    assert {tag for tag, _ in elements} & {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "base",
        "form",
    } == set()
    attributes = {name for _, attrs in elements for name in attrs}
    assert attributes & {"src", "href", "style", "srcset", "action", "xlink:href"} == set()
    assert not any(name.startswith("on") for name in attributes)
    assert re.findall(r"(?:https?:)?//\w|@import|url\((?!#)", text) == []


def test_its_policy_allows_its_own_style_and_nothing_else() -> None:
    text = page()
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policies = [attrs["content"] for tag, attrs in Elements(text).found if attrs.get("http-equiv")]

    assert policies == [f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"]


def test_hostile_texts_are_shown_as_text() -> None:
    hostile, tame = Elements(page(HOSTILE)), Elements(page())

    assert [tag for tag, _ in hostile.found] == [tag for tag, _ in tame.found], "no text became an element"
    shown = HOSTILE.replace("\u202e", "\\u202e").replace("\x1b", "\\u001b")
    assert shown in hostile.text
    assert "\x1b" not in hostile.text
    assert "\u202e" not in hostile.text


def test_each_verdict_has_its_own_mark_and_word() -> None:
    rows = re.findall(r'<span class="badge (\w+)">(.) ([\w ]+)</span>', page())

    assert {(mark, word) for _, mark, word in rows} == {
        ("✓", "kept"),
        ("~", "at risk"),
        ("✗", "broken"),
        ("?", "unknown"),
        ("…", "stale"),
        ("!", "error"),
        ("✗", "down"),
        ("✓", "healthy"),
    }


def test_each_plot_has_a_text_and_a_table_of_its_values() -> None:
    text = page()
    figures = re.findall(r"<figure>.*?</figure>", text, re.DOTALL)
    pictures = [attrs for tag, attrs in Elements(text).found if attrs.get("role") == "img"]

    assert [re.findall(r"<figcaption>(.*?)<", each)[0] for each in figures] == [
        "state of the product",
        "freshness of flight",
        "uptime rest",
        "test unique-sales",
        "completeness of flight",
    ]
    assert len(pictures) == len(figures)
    assert pictures[1]["aria-label"] == (
        "freshness of flight. 4 measurements, lowest 12.0 s, highest 6 min 40 s, no measurement in 2 of 6 slots."
    )
    lag = figures[1]
    assert "✓ kept: promised 5m, measured the feed is late" in lag
    assert "promised 5m</text>" in lag
    assert lag.count('class="line"') == 2, "the gap is no line"
    assert lag.count("<tr>") == 1 + 4
    assert '<td class="number">6 min 40 s</td>' in lag


def test_incidents_are_listed_with_the_open_ones_first_and_without_withdrawn_ones() -> None:
    def incident(name: str, *kinds: str, **more: object) -> Incident:
        changes = tuple(Transition(kind=kind, at=NOW + place * HOUR) for place, kind in enumerate(kinds))
        facts = Facts(port=PORT, asset=FLIGHT, name="update_frequency", promise="1h", value=HOSTILE)
        shared = {"environment": "local", "product": "aviation/flights", "commitment": name, "began_at": SINCE}
        return Incident(id=name, facts=facts, changes=changes, **shared, **more)

    text = page(
        incidents=(
            incident("inc-1", "opened", "closed"),
            incident("inc-2", "opened", acknowledged_by="amelia@airport.example"),
            incident("inc-3", "opened", withdrawn_at=NOW),
        )
    )
    rows = re.findall(r'<tr><td data-label="Incident">(.*?)</tr>', text)

    assert [row.partition("<")[0] for row in rows] == ["inc-2", "inc-1"]
    assert "✗ acknowledged</span>" in rows[0]
    assert 'data-label="Acknowledged by">amelia@airport.example<' in rows[0]
    assert "✓ closed</span>" in rows[1]
    assert 'data-label="Broken since">2026-01-05 08:30<' in rows[1]
    assert 'data-label="Until">2026-01-05 15:30<' in rows[1]
    assert "<img" not in text


def test_a_product_without_measurements_says_so() -> None:
    assert "<p>Nothing was measured yet.</p>" in page(found={})


def test_a_printed_page_hides_no_column() -> None:
    """A printed table had a scroll bar, and its last columns were cut off."""
    printed = page().partition("@media print {")[2].partition("</style>")[0]
    assert ".scroll { overflow: visible; }" in printed
    assert "td { overflow-wrap: anywhere; }" in printed
    assert "white-space: normal; }" in printed
    assert "details { display: none; }" in printed


def first_pixel(picture: bytes) -> bytes:
    """Red, green and blue: the first pixel of a PNG is the same with every filter of its row."""
    import zlib

    chunks = re.findall(rb"IDAT(.*?)(?=....(?:IDAT|IEND))", picture, re.DOTALL)
    return zlib.decompressobj().decompress(b"".join(chunks), 16)[1:4]


@pytest.mark.slow("it starts a browser")
def test_chromium_shows_it_in_light_and_dark_without_a_complaint(tmp_path: Path) -> None:
    need_chromium()
    file = tmp_path / "page.html"
    file.write_text(page(), "utf-8")

    complaints = [
        *chromium.draw(file, tmp_path / "light.png", "light"),
        *chromium.draw(file, tmp_path / "dark.png", "dark"),
    ]

    colours = [first_pixel((tmp_path / name).read_bytes()).hex() for name in ("light.png", "dark.png")]
    assert colours == ["ffffff", "0d1117"]
    assert complaints == []
