"""Previews of affected products and of forks, and the comment for 200 products."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from alchemesh_platform.engine.install.find import find_engine
from benchmarks import bare
from benchmarks.measure import Measured, Ratio, against, measure
from benchmarks.product import ports_for, write_product
from benchmarks.sections.engine import run_bare

RUNS = 9
LIMIT = 3.0
AFFECTED_RUNS = 3
PRODUCTS, CHANGED = 500, 3
RESOURCES = 100
ALCHEMESH = str(Path(sys.executable).with_name("alchemesh"))
AFFECTED_LIMIT, OFFLINE_LIMIT = 1.3, 1.0
WHO = ("-c", "user.name=bench", "-c", "user.email=bench@bench.example")


def ratios() -> Iterator[Ratio]:
    """The previews, and the comment."""
    yield from _previews()
    yield from _comment()


def _comment() -> Iterator[Ratio]:
    """The document as text to the comment, in alternation with the floor, in seconds of processor time: one thread."""
    from markdown_it import MarkdownIt

    from alchemesh_cli.render.review.comment import comment
    from alchemesh_cli.render.review.document import parse_previews
    from alchemesh_cli.render.review.ports import Dialect
    from tests.cli.review.documents import many

    text = json.dumps(many(200))
    dialect = Dialect("github", "https://github.com/acme/mesh/blob/main")
    written = comment(parse_previews(text, "preview.json"), dialect)
    parser = MarkdownIt("commonmark", {"html": True})
    ours: list[Measured] = []
    floor: list[Measured] = []
    for _ in range(RUNS + 1):
        begin = time.process_time()
        comment(parse_previews(text, "preview.json"), dialect)
        middle = time.process_time()
        json.loads(text)
        parser.render(written)
        end = time.process_time()
        ours.append(Measured(middle - begin, middle - begin, 0))
        floor.append(Measured(end - middle, end - middle, 0))
    what = "the comment for 200 products, from its JSON document"
    baseline = "`json.loads` of the document, and markdown-it of the comment"
    yield against(what, ours[1:], baseline, floor[1:], limit=LIMIT)


def _previews() -> Iterator[Ratio]:
    """Each preview in alternation with its baseline."""
    with tempfile.TemporaryDirectory() as folder:
        yield _affected(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        yield _offline(Path(folder))


def _affected(root: Path) -> Ratio:
    repo = root / "repo"
    for number in range(PRODUCTS):
        write_product(repo / f"product-{number}", 1, f"product-{number}")
    _git(repo, "init", "--quiet", "--initial-branch=main")
    _git(repo, "add", "--all")
    _git(repo, *WHO, "commit", "--quiet", "--message=products")
    _git(repo, "switch", "--quiet", "--create=work")
    changed = [f"product-{number}" for number in range(0, PRODUCTS, PRODUCTS // CHANGED)][:CHANGED]
    for name in changed:
        file = repo / name / "alchemesh.yaml"
        file.write_text(file.read_text("utf-8").replace("team: benchers", "team: others"), "utf-8")
    environ = {**os.environ, "ALCHEMESH_HOME": str(root / "home"), "NO_COLOR": "1"}
    named = [ALCHEMESH, "preview", *changed]
    selected = [ALCHEMESH, "preview", "--affected-by", "main"]
    ours: list[Measured] = []
    floor: list[Measured] = []
    for _ in range(AFFECTED_RUNS + 1):
        floor.append(measure(named, cwd=repo, environ=environ))
        ours.append(measure(selected, cwd=repo, environ=environ))
    what = f"`preview --affected-by`, {CHANGED} of {PRODUCTS} products changed"
    return against(what, ours[1:], f"`preview` of the {CHANGED} products", floor[1:], limit=AFFECTED_LIMIT)


def _offline(root: Path) -> Ratio:
    engine = find_engine().path
    product = write_product(root / "product", ports_for(RESOURCES)).parent
    home = root / "home"
    environ = {**os.environ, "ALCHEMESH_HOME": str(home), "NO_COLOR": "1"}
    measure([ALCHEMESH, "up", "--yes", "-C", str(product)], environ=environ)  # the bare program reads its resources
    written = home / "local" / "state" / ".pulumi" / "stacks" / "bench.product" / "local.json"
    state = root / "state.json"
    state.write_text(written.read_text("utf-8").replace(str(home), str(root / "bare")), "utf-8")
    bare.prepare(root / "bare", engine)
    ours: list[Measured] = []
    floor: list[Measured] = []
    for _ in range(AFFECTED_RUNS + 1):
        floor.append(run_bare("preview", state, root / "bare", engine))
        ours.append(measure([ALCHEMESH, "preview", "--offline", "-C", str(product)], environ=environ))
    what = f"`preview --offline`, {RESOURCES} resources"
    return against(what, ours[1:], "preview of a bare Pulumi program", floor[1:], limit=OFFLINE_LIMIT)


def _git(repo: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=repo, check=True, capture_output=True)
