"""The comment on a merge request: its order, its limit, and text of others that stays text."""

from __future__ import annotations

import json
import re
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from alchemesh_cli.documents import published
from alchemesh_cli.render.review.annotations import annotations_of
from alchemesh_cli.render.review.comment import LONGEST, comment
from alchemesh_cli.render.review.diff import diff
from alchemesh_cli.render.review.document import NoPreviews, parse_previews, read_previews
from alchemesh_cli.render.review.formats import comment_of, github_lines, unfinished
from alchemesh_cli.render.review.ports import Dialect
from alchemesh_cli.render.review.reports import quality_report, terraform_report
from alchemesh_cli.render.review.text import code, prose
from alchemesh_cli.render.review.verdict import Gravity
from alchemesh_platform.base.printable import one_line
from alchemesh_platform.base.secrecy.recognise import is_secret, without_secrets

from . import documents as made

GOLDEN = Path(__file__).parent / "golden"
PLAIN = Dialect("markdown")
TAGS = {"h3", "p", "details", "summary", "b", "code", "ul", "li", "em", "strong", "sub"}
# The forms that GitHub and GitLab turn into a mention, a reference, a link, an emoji, mathematics or a diff.
ACTIVE = re.compile(
    r"[@#!~%&$^|\\`<>{}\[\]*_]|://|www\.|:[a-z]+:|(?i:gh-\d)|\b(?=[0-9a-f]*\d)[0-9a-f]{7,40}\b|\w\.\w", re.ASCII
)


class Rendered(HTMLParser):
    """What a browser shows of a comment: its tags, the text outside of code, and the text in code."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.open: list[str] = []
        self.links: list[str] = []
        self.prose: list[str] = []
        self.code: list[str] = []
        self.comments: list[str] = []
        self.feed(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.open.append(tag)
        self.links += [value or "" for name, value in attrs if name != "open"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, "tags are nested"

    def handle_data(self, data: str) -> None:
        (self.code if "code" in self.open else self.prose).append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def written(document: dict[str, Any], dialect: Dialect = PLAIN, **options: Any) -> str:
    return comment(read_previews(document), dialect, **options)


@pytest.mark.parametrize("name", sorted(made.CASES))
def test_a_comment_is_its_golden_file(name: str, update: bool) -> None:
    text = written(made.CASES[name]()) + "\n"
    file = GOLDEN / f"{name}.md"
    if update:
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    assert text == file.read_text("utf-8")


@pytest.mark.parametrize("name", sorted(set(made.CASES) - {"hostile", "many"}))
def test_a_made_document_fits_the_published_schema(name: str) -> None:
    jsonschema.validate(made.CASES[name](), published("previews"))


def test_the_first_lines_are_the_verdict_the_counts_and_the_dangers() -> None:
    first, _, second, _, third, *_ = written(made.breaking()).splitlines()
    assert first == ("### ✗ `retail/orders` · `prod`: breaking for 2 consumers, 90 days' notice, deletes 336,776 rows")
    assert second == "2 to replace · 1 contract · 1 grant"
    assert third == (
        "**Dangerous:** deletes 336,776 rows of `orders-table-storage-order`; "
        "breaks 2 consumers of `retail/orders/orders-table`; replaces `orders-table-storage-history`, which holds "
        "data; revokes the access of `bo@shop.example` to `retail/orders/orders-table`. "
        "**Ask** `cy@shop.example`, `bo@shop.example`."
    )


def test_a_failed_offline_preview_is_marked_as_offline() -> None:
    """It has no result that could say so."""
    failed = read_previews(made.document(made.preview(None, offline=True, problems=[made.problem("found 3")])))
    first, *_ = (text := comment(failed, PLAIN)).splitlines()
    assert first == "### ✗ `retail/orders` · `prod` (offline): the preview failed, 1 problem"
    assert "Offline: lost data, replacements and revoked access are unknown." in text
    assert diff(failed).splitlines()[0] == "--- retail/orders prod unknown, offline"


def test_a_removed_product_is_in_the_verdict_and_in_the_dangers() -> None:
    """It was a note at the end only, below a verdict without a danger."""
    gone = [{"product": "retail/b", "environment": "prod"}, {"product": "retail/b", "environment": "dev"}]
    first, _, _, _, third, *_ = written({**made.nothing(), "removed": gone}).splitlines()
    assert first == "### ⚠ 2 products · 1 environment: no changes, 1 product removed"
    assert third == (
        "**Dangerous:** `retail/b` · `prod` has no manifest any more: what is deployed stays; "
        "`retail/b` · `dev` has no manifest any more: what is deployed stays."
    )
    alone, *_ = written(made.document(removed=gone)).splitlines()
    assert alone == "### ⚠ 1 product removed, no other data product is affected"
    breaking, *_ = written({**made.breaking(), "removed": gone}).splitlines()
    assert breaking.startswith("### ✗ `retail/orders` · `prod`: breaking for 2 consumers")
    assert breaking.endswith(", 1 product removed")


def test_the_folder_of_another_checkout_is_marked_and_its_paths_are_not_published() -> None:
    moved = made.diff("root", "/home/ada/mesh/orders", "/home/bob/mesh/orders")
    landing = made.resource("sales", "update", diff=[moved])
    manifest = made.resource("manifest", "update", type="alchemesh:mesh:Manifest", diff=[moved])
    ports = (made.port("sales", landing, kind="input"), made.port("", manifest, kind="product"))
    document = made.document(made.preview(made.deployment(*ports)))
    text = written(document)
    assert text.splitlines()[2] == "1 to change"
    assert "`root`: another folder on this machine, of another checkout or after a move" in text
    assert "!  root: another folder on this machine" in diff(read_previews(document))
    assert [each for each in (text, diff(read_previews(document))) if "/home/" in each] == []


def test_the_parts_of_a_product_have_one_order() -> None:
    text = written(made.changes())
    order = (
        "previewed because", "**warning**", "`+` `DataApi`", "asset `retail", "grant of", "contract `1.0.0`",
        "known only after", "policy `short-names`", "broken commitment", "drift:", "price of", "Run it again",
        "`0123456789ab`", "2026-11-30T06:00",
    )  # fmt: skip
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_problems_come_first_with_line_and_hint() -> None:
    lines = written(made.failure()).splitlines()
    assert lines[0] == "### ✗ 4 products · 1 environment: 2 failed, 1 refused, 1 changed"
    fold = lines.index(
        "<details open><summary>✗ <b><code>retail/orders</code> · <code>prod</code></b>: the preview failed, 2 problems"
        "</summary>"
    )
    assert lines[fold + 2 : fold + 5] == [
        "- **error** `orders/alchemesh.yaml:14` `models.order.properties`: found 'columnar-tabel', expected a "
        "component type",
        "  - hint: did you mean 'columnar-table'?",
        "- **error** `orders/alchemesh.yaml:60` `models.order.properties`: found the key again",
    ]


def test_no_changes_and_no_products_have_a_verdict_of_their_own() -> None:
    assert written(made.nothing()).startswith("### ✓ 2 products · 1 environment: no changes\n\n0 changes · 2 previews")
    assert written(made.document()).startswith("### ✓ no data product is affected\n\n0 changes\n")


def test_a_place_is_a_link_into_the_commit() -> None:
    for name, environ, blob in (
        ("github", {"GITHUB_REPOSITORY": "acme/mesh"}, "https://github.com/acme/mesh/blob"),
        ("gitlab", {"CI_PROJECT_URL": "https://gitlab.example/acme/mesh"}, "https://gitlab.example/acme/mesh/-/blob"),
    ):
        read = read_previews(made.failure())
        text = comment_of(read, name, environ)
        assert f"[`orders/alchemesh.yaml:14`]({blob}/{read.commit}/orders/alchemesh.yaml#L14)" in text
        forged = read.model_copy(update={"commit": "../../evil"})
        assert "](" not in comment_of(forged, name, environ)


@pytest.mark.parametrize("name", sorted(made.CASES))
def test_no_secret_is_in_any_format(name: str) -> None:
    read = read_previews(made.CASES[name]())
    texts = (comment(read, PLAIN), diff(read), *annotations_of(read), terraform_report(read), quality_report(read))
    assert [text for text in texts if "hunter2" in text] == []
    if name == "secrets":
        for shown in ("`dbPassword`: changes, not shown", "`sasl.jaas`: added, not shown", "`replicas`: `1` → `2`"):
            assert shown in texts[0]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("auth", "hunter2"),
        ("proxyAuth", "hunter2"),
        ("authorization", "hunter2"),
        ("config.pwd", "hunter2"),
        ("dsn", "hunter2"),
        ("databaseDsn", "hunter2"),
        ("api-key", "hunter2"),
        ("account_key", "hunter2"),
        ("connection", "host=a password=hunter2"),
        ("connection", "host=a password='hunter2 x'"),
        ("connection", 'AccountName=a;AccountKey="hunter2"'),
        ("headers", {"Authorization": "Bearer hunter2"}),
        ("headers", ["Bearer hunter2"]),
        ("header", "Authorization: Basic aHVudGVyMg=="),
        ("header", "Authorization: Bearer abc"),
        ("url", "postgresql://ada:hunter2/x@db"),
        ("url", "https://blob.example/a?sv=1&sig=hunter2"),
        ("text", '{"password": "hunter2"}'),
        ("value", f"ghp_{'a1' * 18}"),
    ],
)
def test_a_property_that_may_hold_a_secret_is_not_shown(path: str, value: Any) -> None:
    assert is_secret(path, value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("author", "ada"),
        ("authority", "city"),
        ("bypass", True),
        ("passengers", 3),
        ("compass", "north"),
        ("text", "basic information about a bearer of news"),
        ("url", "postgresql://db:5432/orders"),
        ("url", "gs://bucket/path"),
        ("design", "a"),
        ("fieldsName", "a"),
    ],
)
def test_other_properties_are_shown(path: str, value: Any) -> None:
    assert not is_secret(path, value)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            "cannot reach postgresql://ada:hunter2@db/orders: refused",
            "cannot reach postgresql://[secret]@db/orders: refused",
        ),
        ("two: http://u:hunter2@a and http://u:hun@ter2@b", "two: http://[secret]@a and http://[secret]@b"),
        ("connection to host=a password=hunter2 failed", "connection to host=a password=[secret] failed"),
        ("refused: Authorization: Bearer hunter2abc.d", "refused: Authorization: Bearer [secret]"),
        (
            "found a password, expected a secret: use {secret: NAME}",
            "found a password, expected a secret: use {secret: NAME}",
        ),
    ],
)
def test_a_secret_in_a_message_is_not_shown_in_any_format(message: str, shown: str) -> None:
    assert without_secrets(message) == shown
    failed = made.preview(None, problems=[made.problem(message, hint=message)], reasons=[message])
    crashed = made.preview(None, "retail/b", error={"message": message, "hint": message})
    warned = made.preview(made.deployment(warnings=[made.problem(message, 3)], notes=[message]), "retail/c")
    read = read_previews(made.document(failed, crashed, warned, notes=[message]))
    texts = (comment(read, PLAIN), diff(read), *annotations_of(read), quality_report(read))
    assert [text for text in texts if "hunter2" in text or "ter2" in text] == []


def test_a_search_for_secrets_in_a_long_text_takes_less_than_a_second() -> None:
    begin = time.process_time()
    for piece in ("://a:", "token", "password='", "Bearer ", "a=", "-----BEGIN A", "eyJaaaaaaaaa."):
        is_secret("text", piece * (100_000 // len(piece)))
    assert time.process_time() - begin < 1.0


def test_text_of_others_in_every_place_of_a_comment_stays_text() -> None:
    check_harmless(written(made.hostile()))


MARKS = "`*_<>@#!~$|&[](){}\\/:.-+ \n\t\x1b\u202e1af=w"


@given(
    st.text(st.one_of(st.sampled_from("`*_<>@#!~$|&[](){}\\/:.-+ \n\t\x1b\u202e1af=w"), st.characters()), max_size=60)
)
def test_any_text_stays_text(text: str) -> None:
    for shown in (f"- {code(text)}", f"- name: {prose(text)}"):
        check_harmless(shown)
    spans = Rendered(f"- {code(text)}").code
    assert (
        "".join(spans) == re.sub(r"\s+", " ", one_line(text)).strip(" ")
        or not one_line(text).strip()
        or ("".join(spans).strip() == one_line(text).strip())
    )


@given(st.text(st.sampled_from(MARKS) | st.characters(), min_size=1, max_size=40))
def test_any_text_in_every_place_of_a_comment_stays_text(text: str) -> None:
    document = made.hostile([text, f"{text}`"])
    check_harmless(written(document))
    linked = Rendered(written(document, Dialect("github", "https://github.com/acme/mesh/blob/main")))
    assert [link for link in linked.links if not link.startswith("https://github.com/acme/mesh/blob/main/")] == []
    assert linked.comments == []


def check_harmless(text: str) -> None:
    rendered = Rendered(text)
    assert set(rendered.tags) <= TAGS
    assert rendered.open == []
    assert rendered.links == []
    assert rendered.comments == []
    own = re.sub(r"[±~] (?=output )", "", " ".join(rendered.prose))  # the mark of a port
    assert ACTIVE.findall(own) == []
    for line in text.splitlines():
        assert not line.lstrip().startswith(("/", "::", "```", "~~~")), "a quick action, a command, or a fence"
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


@settings(max_examples=min(settings().max_examples, 30))
@given(
    count=st.integers(0, 60),
    size=st.integers(1, 5_000),
    longest=st.integers(3_000, 60_000),
)
def test_a_comment_fits_by_leaving_out_whole_parts(count: int, size: int, longest: int) -> None:
    found = []
    for number in range(count):
        table = made.resource(f"table-{number}-{'x' * size}", "update", diff=[made.diff("a" * size, 1, 2)])
        found.append(made.preview(made.deployment(made.port("t", table), product=f"a/p{number}"), f"a/p{number}"))
    document = made.document(*found)
    text = written(document, longest=longest)
    assert len(text) <= longest
    first, _, counts, *_ = text.splitlines()
    assert first == written(document, longest=10_000_000).splitlines()[0]
    assert counts.startswith(f"{count} to change" if count else "0 changes")
    assert "x" * size in text or "x" * min(size, 10) not in text, "a name is whole or left out"
    for number in range(count):
        assert f"`a/p{number}`" in text or f"<code>a/p{number}</code>" in text or " more" in text


def test_the_gravest_products_keep_their_details() -> None:
    text = written(made.many())
    assert len(text) <= LONGEST
    folds = [text.index(f"<b><code>retail/{name}</code>") for name in ("failing", "breaking", "product-000")]
    assert folds == sorted(folds)
    assert "`location`: `EU` → `US` (replaces)" in text
    assert "*Left out, for a comment of at most 60,000 characters: " in text


def test_a_comment_for_200_products_takes_less_than_a_second() -> None:
    text = json.dumps(made.many(200))
    begin = time.process_time()
    comment(parse_previews(text, "preview.json"), Dialect("github", "https://github.com/acme/mesh/blob/main"))
    assert time.process_time() - begin < 1.0


def test_500_failed_products_keep_verdict_and_counts() -> None:
    problems = [made.problem(f"problem {number} " * 20) for number in range(40)]
    found = [made.preview(None, f"retail/product-{number}", problems=problems) for number in range(500)]
    text = written(made.document(*found))
    assert len(text) <= LONGEST
    assert text.startswith("### ✗ 500 products · 1 environment: 500 failed\n\n500 previews: 500 failed\n")


def test_a_long_value_is_described_and_not_cut() -> None:
    table = made.resource("t", "update", diff=[made.diff("a", "x" * 500, list(range(500)))])
    text = written(made.document(made.preview(made.deployment(made.port("p", table)))))
    assert "`a`: a text of 500 characters → a list of 500 items" in text


def test_annotations_are_commands_with_escaped_text() -> None:
    lines = annotations_of(read_previews(made.failure()))
    assert lines[0] == (
        "::error file=orders/alchemesh.yaml,line=14,col=7,title=retail/orders prod::models.order.properties: found "
        "'columnar-tabel', expected a component type%0Ahint: did you mean 'columnar-table'?"
    )
    assert "::error title=retail/stock prod::the engine did not start" in lines
    for line in annotations_of(read_previews(made.hostile())):
        assert "\n" not in line
        assert "\x1b" not in line
        assert re.match(r"::(error|warning) ", line) or line.startswith("::")


def test_more_annotations_than_github_shows_are_counted() -> None:
    problems = [made.problem(f"problem {number}", number) for number in range(1, 31)]
    lines = annotations_of(read_previews(made.document(made.preview(None, problems=problems))))
    assert len(lines) == 10
    assert lines[-1] == "::error::21 more are in the comment and in the job summary"


def test_the_summary_of_a_job_gets_the_comment(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    lines = github_lines(read_previews(made.failure()), "the comment", {"GITHUB_STEP_SUMMARY": str(summary)})
    assert summary.read_text() == "before\nthe comment\n"
    assert lines == annotations_of(read_previews(made.failure()))


def test_gitlab_reports_count_a_replacement_twice_and_have_each_problem_at_its_line() -> None:
    assert json.loads(terraform_report(read_previews(made.breaking()))) == {"create": 2, "update": 0, "delete": 2}
    assert json.loads(terraform_report(read_previews(made.changes()))) == {"create": 1, "update": 1, "delete": 0}
    found = json.loads(quality_report(read_previews(made.failure())))
    assert found[0]["location"] == {"path": "orders/alchemesh.yaml", "lines": {"begin": 14}}
    assert len({each["fingerprint"] for each in found}) == len(found) == 3


def test_a_diff_has_a_head_for_each_product_and_port() -> None:
    assert diff(read_previews(made.breaking())).splitlines() == [
        "--- retail/orders prod deployed",
        "+++ retail/orders prod declared",
        "# warning: orders/alchemesh.yaml:53:7 models.order.properties: the breaking change waits for "
        "data_product:marketing/campaigns, who holds a grant",
        "@@ output orders-table @@",
        " DeltaTable orders-table-storage-order, replaced because location changes",
        "-  location: EU",
        "+  location: US",
        " DeltaTable orders-table-storage-history, replaced because location changes",
        "-  location: EU",
        "+  location: US",
        "-contract breaking models.order.properties.amount: a property that consumers read",
        "!contract documentation contract.version: 2.0.0, was 1.0.0",
    ]


def test_drift_has_a_verdict() -> None:
    found = made.changes()["previews"][0]["preview"] | {"operation": "refresh"}
    assert written(made.document(made.preview(found))).startswith(
        "### ⚠ `retail/orders` · `prod`: drift of 1 resource\n\n1 drifted"
    )
    assert "no drift" in written(made.document(made.preview(found | {"drift": []}))).splitlines()[0]
    absent = found | {"drift": [], "recorded": False}
    assert "not deployed" in written(made.document(made.preview(absent))).splitlines()[0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "[" * 100_000,
        json.dumps(
            made.document(made.preview(made.deployment(losses=[{"port": "p", "resource": "r", "rows": 10**400}])))
        ),
        '{"previews": 1}',
        '{"outcome": "succeeded", "previews": [{"outcome": "fine"}]}',
        *(
            json.dumps(made.document(**{field: "x" * 70_000}))  # a comment has no space for it
            for field in ("at", "version", "commit")
        ),
        *(
            json.dumps(made.document({**made.preview(None), field: "x" * 70_000}))
            for field in ("product", "environment")
        ),
        "\x00",
    ],
)
def test_a_file_that_is_no_document_of_previews_is_refused(text: str) -> None:
    with pytest.raises(NoPreviews, match=r"preview\.json is not a document of previews") as refused:
        parse_previews(text, "preview.json")
    assert refused.value.hint == "`alchemesh preview --save FILE` writes such a file"


def test_a_preview_without_a_document_links_to_its_job() -> None:
    environ = {"GITHUB_REPOSITORY": "acme/mesh", "GITHUB_RUN_ID": "12"}
    first, _, last, *_ = unfinished("a" * 40, environ).splitlines()
    assert first == "### ✗ the preview did not finish"
    assert last == (
        "Known so far: nothing. [The log of the job](https://github.com/acme/mesh/actions/runs/12) has the reason."
    )


def test_every_gravity_has_a_sign() -> None:
    from alchemesh_cli.render.review.verdict import SIGNS

    assert set(SIGNS) == set(Gravity)


def test_an_offline_preview_claims_nothing_about_consumers_and_data() -> None:
    found = made.breaking()["previews"][0]["preview"]
    step = found["ports"][0]["promise"] | {"consumers": [], "held": None}
    offline = made.deployment(made.port("orders-table", promise=step), offline=True)
    lines = written(made.document(made.preview(offline))).splitlines()
    assert lines[0] == "### ⚠ `retail/orders` · `prod` (offline): breaking, consumers unknown, 90 days' notice"
    assert lines[4] == "Offline: lost data, replacements and revoked access are unknown."
    assert "- contract `1.0.0` `active` → `2.0.0` `active`: **breaking**, consumers unknown" in lines


def test_several_offline_previews_claim_nothing_about_data() -> None:
    found = [
        made.preview(made.deployment(made.port("p", made.resource("t")), product=name, offline=True), name)
        for name in ("retail/a", "retail/b")
    ]
    lines = written(made.document(*found)).splitlines()
    assert lines[0] == "### ✓ 2 products · 1 environment (offline): 2 changed"
    assert lines[4] == "Offline: lost data, replacements and revoked access are unknown."


def test_an_offline_danger_does_not_hide_what_is_unknown() -> None:
    record = made.resource("orders", "update", type="alchemesh:mesh:Product", diff=[made.diff("owner", "ada", "bo")])
    found = made.deployment(made.port("product", record, kind="product"), offline=True)
    assert written(made.document(made.preview(found))).splitlines()[4] == (
        "**Dangerous:** changes the owner from `ada` to `bo`. "
        "Offline: lost data, replacements and revoked access are unknown."
    )


def test_a_comment_without_any_preview_has_no_counts_and_claims_nothing() -> None:
    """It said `0 changes`, and that no data is deleted, although nothing was previewed."""
    alone = made.document(made.preview(None, problems=[made.problem("a typo")]))
    assert written(alone).splitlines()[:3] == [
        "### ✗ `retail/orders` · `prod`: the preview failed, 1 problem", "", "Known so far: nothing.",
    ]  # fmt: skip
    both = made.document(*alone["previews"], made.preview(None, "retail/b", problems=[made.problem("a typo")]))
    assert written(both).splitlines()[2:5] == ["2 previews: 2 failed", "", "Known so far: nothing."]


def test_a_warning_among_the_problems_is_no_error_in_any_format() -> None:
    problems = [made.problem("a typo", 3), made.problem("no description", 4, severity="warning")]
    read = read_previews(made.document(made.preview(None, problems=problems)))
    text = comment(read, PLAIN)
    assert text.startswith("### ✗ `retail/orders` · `prod`: the preview failed, 1 problem\n")
    assert "- **error** `orders/alchemesh.yaml:3` `models.order.properties`: a typo" in text
    assert "- **warning** `orders/alchemesh.yaml:4` `models.order.properties`: no description" in text
    assert [line.partition(" ")[0] for line in annotations_of(read)] == ["::error", "::warning"]
    assert [each["severity"] for each in json.loads(quality_report(read))] == ["blocker", "minor"]
    assert "# warning: orders/alchemesh.yaml:4:7 models.order.properties: no description" in diff(read).splitlines()


def test_the_report_of_gitlab_has_changes_that_must_wait_and_text_in_one_line() -> None:
    found = made.deployment(waiting=[made.problem("waits\nfor\u202e campaigns", severity="warning")])
    [entry] = json.loads(quality_report(read_previews(made.document(made.preview(found)))))
    assert entry["severity"] == "minor"
    assert entry["description"] == "models.order.properties: waits for\\u202e campaigns"


def test_an_offline_diff_names_no_deployed_state_and_has_its_notes() -> None:
    found = made.deployment(
        made.port("code", made.resource("r"), kind="code"), offline=True, notes=["the state was not read"]
    )
    assert diff(read_previews(made.document(made.preview(found)))).splitlines() == [
        "--- retail/orders prod unknown, offline",
        "+++ retail/orders prod declared",
        "@@ code @@",
        "+DeltaTable r",
        "# note: the state was not read",
    ]


def test_lists_that_are_too_long_end_with_the_number_of_the_others() -> None:
    changed = [made.diff(f"column_{number}", 1, 2) for number in range(40)]
    found = made.deployment(
        made.port("p", made.resource("t", "update", diff=changed)), notes=[f"note {number}" for number in range(31)]
    )
    reasons = [f"file {number} changed" for number in range(5)]
    text = written(
        made.document(made.preview(found, reasons=reasons), notes=[f"fact {number}" for number in range(14)])
    )
    lines = text.splitlines()
    assert lines[lines.index("- previewed because file 2 changed") + 1] == "- and 2 more"
    assert lines[lines.index("  - `column_29`: `1` → `2`") + 1] == "  - and 10 more"
    assert lines[lines.index("- note: note 29") + 1] == "- and 1 more"
    assert "And 2 notes more, in the JSON document." in lines


def test_a_preview_that_ended_early_claims_nothing_about_data() -> None:
    """It said that no data is deleted, although it had not seen every resource."""
    failed = made.deployment(made.port("p"), outcome="failed", problems=[made.problem("the engine failed")])
    assert "\n\nKnown so far: no data is deleted" in written(made.document(made.preview(failed)))
