"""Ranges of versions of components: ``^2``, ``>=1.4,<3``, ``~=2.1``, ``2.0.3``.

A range is a list of conditions with commas between them. ``^`` has the meaning of npm and Poetry: every version up to
the next one that may break something. A version alone is that version. All other conditions are those of Python
packages. Source: https://packaging.python.org/en/latest/specifications/version-specifiers/
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

_RELEASE = r"[0-9]+(?:\.[0-9]+)*"
_STAGE = r"(?:[-.]?(?:a|b|rc|alpha|beta)[-.]?[0-9]*)?(?:[-.]?post[-.]?[0-9]*)?(?:[-.]?dev[-.]?[0-9]*)?"
_VERSION = rf"{_RELEASE}{_STAGE}"
_EQUAL = rf"(?:==|!=) *{_RELEASE}(?:\.\*|{_STAGE})"  # Python packages have `.*` after numbers only
_ABOUT = rf"~= *[0-9]+(?:\.[0-9]+)+{_STAGE}"  # and two numbers at least
_CONDITION = rf"(?:\^ *{_VERSION}|{_EQUAL}|{_ABOUT}|(?:>=|<=|>|<)? *{_VERSION})"
RANGE = rf"{_CONDITION}(?: *, *{_CONDITION})*"
FORMS = "^2, >=1.4,<3, ~=2.1 or 2.0.3"  # for messages


def split_range(requested: str) -> tuple[str, str | None]:
    """A component type and its range: ``columnar-table@^2`` is ``columnar-table`` and ``^2``."""
    name, mark, text = requested.partition("@")
    return name, text if mark else None


def is_in_range(version: str, text: str) -> bool:
    """Whether a version is in a range. A text that is no version is in no range; a text that is no range has none."""
    from packaging.version import Version

    try:
        found, wanted = Version(version), _specifiers(text)
    except ValueError:  # also of a number with thousands of digits
        return False
    return wanted.contains(found, prereleases=bool(wanted.prereleases))  # only if the range names a pre-release


@lru_cache(maxsize=128)
def _specifiers(text: str) -> SpecifierSet:
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(",".join(_python(part.strip()) for part in text.split(",")))


def _python(condition: str) -> str:
    """A condition in the form of Python packages."""
    if condition.startswith("^"):
        lowest = condition[1:].strip()
        return f">={lowest},<{_next_breaking(lowest)}"
    return condition if re.match(r"[=!<>~]", condition) else f"=={condition}"


def _next_breaking(version: str) -> str:
    """The next version that may break something: the first number that is not 0 rises; of zeros alone, the last."""
    from packaging.version import Version

    release = Version(version).release
    at = next((index for index, number in enumerate(release) if number), len(release) - 1)
    return ".".join(str(number) for number in (*release[:at], release[at] + 1))
