"""Previews as a diff, for tools that colour one: ``-`` before, ``+`` after, ``@@`` for each port."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_cli.render.review.document import ReadPort, ReadPreview, ReadPreviews, ReadResource
from alchemesh_cli.render.review.ports import FOLDER, is_offline, name_of
from alchemesh_cli.render.review.text import value
from alchemesh_cli.render.review.verdict import QUIET, errors_of, is_folder, is_record, warnings_of
from alchemesh_platform.base.printable import one_line
from alchemesh_platform.base.secrecy.recognise import is_secret, without_secrets


def diff(document: ReadPreviews) -> str:
    """The previews, one after the other. Unchanged ones have a line each."""
    notes = [f"# note: {_words(note)}" for note in document.notes]
    return "\n".join([*(line for one in document.previews for line in _product(one)), *notes])


def _words(text: str) -> str:
    """A sentence of other people in one line."""
    return one_line(without_secrets(text))


def _product(one: ReadPreview) -> Iterator[str]:
    name = one_line(f"{name_of(one)} {one.environment}")
    yield f"--- {name} {'unknown, offline' if is_offline(one) else 'deployed'}"
    yield f"+++ {name} {'failed' if one.outcome == 'failed' else 'declared'}"
    if one.error is not None:
        yield f"# error: {_words(one.error.message)}"
    for word, problem in (
        *(("", each) for each in errors_of(one)),
        *(("warning: ", each) for each in warnings_of(one)),
    ):
        yield f"# {word}{_words(f'{problem.file}:{problem.line}:{problem.column} {problem.path}: {problem.message}')}"
    if one.preview is None:
        return
    for port in one.preview.ports:
        lines = [line for each in port.resources for line in _resource(each)]
        lines += list(_contract(port))
        if lines:
            name = "" if port.name == port.kind else f" {port.name}"
            yield f"@@ {one_line(f'{port.kind}{name}'.strip())} @@"
            yield from lines
    yield from (f"# note: {_words(note)}" for note in one.preview.notes)


def _resource(each: ReadResource) -> Iterator[str]:
    if each.operation in QUIET or (is_record(each) and not each.diff):
        return
    name = one_line(f"{each.type.rpartition(':')[2]} {each.name}")
    if each.operation in ("create", "import", "delete"):
        yield f"{'-' if each.operation == 'delete' else '+'}{name}"
        return
    because = f", replaced because {', '.join(each.replaced_by)} changes" if each.replaced_by else ""
    yield f" {name}{one_line(because)}"
    for changed in each.diff:
        path = one_line(changed.path)
        if is_secret(changed.path, changed.old, changed.new):
            yield f"!  {path}: changes, not shown"
            continue
        if is_folder(changed):
            yield f"!  {path}: {FOLDER}"
            continue
        if not changed.kind.startswith("add"):
            yield f"-  {path}: {one_line(value(changed.old))}"
        if not changed.kind.startswith("delete"):
            yield f"+  {path}: {one_line(value(changed.new))}"


def _contract(port: ReadPort) -> Iterator[str]:
    if port.promise is None or port.promise.recorded is None:
        return
    for change in port.promise.changes:
        sign = {"added": "+", "removed": "-", "changed": "!"}[change.change]
        yield f"{sign}contract {change.kind} {one_line(f'{change.path}: {change.message}')}"
