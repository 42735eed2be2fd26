"""Reports that GitLab reads from artifacts: counts of resources, and problems at their lines. They need no token.

Source: https://docs.gitlab.com/ci/yaml/artifacts_reports/ (terraform, codequality)
"""

from __future__ import annotations

import hashlib
import json

from alchemesh_cli.render.review.document import ReadPreviews
from alchemesh_cli.render.review.verdict import errors_of, judge, warnings_of
from alchemesh_platform.base.printable import one_line
from alchemesh_platform.base.secrecy.recognise import without_secrets


def terraform_report(document: ReadPreviews) -> str:
    """The numbers of resources to create, change and delete. A replacement is a deletion and a creation."""
    counts = {"create": 0, "update": 0, "delete": 0}
    for one in document.previews:
        changes = judge(one).changes
        counts["create"] += changes["create"] + changes["import"] + changes["replace"]
        counts["update"] += changes["update"] + changes["drift"]
        counts["delete"] += changes["delete"] + changes["replace"]
    return json.dumps(counts)


def quality_report(document: ReadPreviews) -> str:
    """The problems, each at its line, as GitLab's code quality report: the counterpart of GitHub's annotations."""
    found = {}
    for one in document.previews:
        for severity, problem in (
            *(("blocker", each) for each in errors_of(one)),
            *(("minor", each) for each in warnings_of(one)),
        ):
            path = one_line(problem.file.removeprefix("./"))
            text = f"{path}:{problem.line}:{problem.path}:{problem.message}"
            found[text] = {
                "description": one_line(
                    without_secrets(f"{problem.path}: {problem.message}" if problem.path else problem.message)
                ),
                "check_name": "alchemesh",
                "fingerprint": hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
                "severity": severity,
                "location": {"path": path, "lines": {"begin": max(problem.line, 1)}},
            }
    return json.dumps(list(found.values()))
