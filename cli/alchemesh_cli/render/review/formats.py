"""The formats of `alchemesh preview` over several products, all rendered from the combined document."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from alchemesh_cli.render.review.annotations import annotations_of
from alchemesh_cli.render.review.comment import comment
from alchemesh_cli.render.review.document import ReadPreviews
from alchemesh_cli.render.review.ports import Dialect
from alchemesh_cli.render.review.text import code
from alchemesh_cli.render.review.verdict import SIGNS, Gravity

SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"
_ADDRESS = re.compile(r"https?://[\w.:/~-]+")
_COMMIT = re.compile(r"[0-9a-f]{40,64}")


def dialect_of(name: str, commit: str | None, environ: Mapping[str, str] = os.environ) -> Dialect:
    """The dialect of a forge, with links into the repository that the environment names.

    Args:
        name: github, gitlab or markdown.
        commit: The previewed commit.
        environ: The variables of the job.
    """
    blob = ""
    if commit is not None and _COMMIT.fullmatch(commit):
        if name == "github" and environ.get("GITHUB_REPOSITORY"):
            server = environ.get("GITHUB_SERVER_URL", "https://github.com")
            blob = f"{server}/{environ['GITHUB_REPOSITORY']}/blob/{commit}"
        elif name == "gitlab" and environ.get("CI_PROJECT_URL"):
            blob = f"{environ['CI_PROJECT_URL']}/-/blob/{commit}"
    return Dialect(name, blob if _ADDRESS.fullmatch(blob) else "")


def comment_of(document: ReadPreviews, name: str, environ: Mapping[str, str] = os.environ) -> str:
    """The comment in the dialect of a forge."""
    return comment(document, dialect_of(name, document.commit, environ))


def github_lines(document: ReadPreviews, text: str, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Add the comment to the summary of the job, and give the annotations of its check for the log."""
    if environ.get(SUMMARY_VARIABLE):
        with Path(environ[SUMMARY_VARIABLE]).open("a", encoding="utf-8") as summary:
            summary.write(f"{text}\n")
    return annotations_of(document)


def unfinished(commit: str | None, environ: Mapping[str, str] = os.environ) -> str:
    """The comment of a preview that left no document: an older comment would say that all is well."""
    job = environ.get("CI_JOB_URL", "")
    if environ.get("GITHUB_REPOSITORY") and environ.get("GITHUB_RUN_ID"):
        server = environ.get("GITHUB_SERVER_URL", "https://github.com")
        job = f"{server}/{environ['GITHUB_REPOSITORY']}/actions/runs/{environ['GITHUB_RUN_ID']}"
    log = f"[The log of the job]({job})" if _ADDRESS.fullmatch(job) else "The log of the job"
    about = f"\n\n<sub>{code(commit[:12])}</sub>" if commit else ""
    return (
        f"### {SIGNS[Gravity.FAILED]} the preview did not finish\n\nKnown so far: nothing. {log} has the reason.{about}"
    )
