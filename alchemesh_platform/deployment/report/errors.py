"""Explains the failures of providers: only the cause, and the fix if a system knows it.

Providers that Pulumi bridges from Terraform report a failure twice, each time with different prefixes. Each system
registers hints for its own errors.

Source: github.com/pulumi/pulumi-terraform-bridge (pkg/tfshim/sdk-v2/provider2.go, pkg/tfbridge/log.go),
github.com/hashicorp/go-multierror (format.go)
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache

from alchemesh_platform.base.remedy import split_hint, with_hint, with_text
from alchemesh_platform.base.secrets import mask
from alchemesh_platform.documents.document import Node
from alchemesh_platform.registration.systems import Parts, Systems, installed_systems, part_of
from alchemesh_platform.sdk.system.errors import SystemErrors

_AROUND = re.compile(
    r"\A(?:sdk-v2/provider2\.go:\d+: |sdk\.helper_schema: "
    r"|(?:creating|updating|deleting|refreshing|reading|importing) urn:pulumi:\S+: )+"
    r"|(?:\s*: provider=[\w-]+@[\w.+-]+)+\s*\Z"
)
_COUNTED = re.compile(r"\d+ errors? occurred:\s*\n\t\* ")
_NEXT_POINT = "\n\t* "
_SETTING = re.compile(r"\bsettings(?:\.[a-z_]+)+")


@dataclass(frozen=True, slots=True)
class Explained:
    """A failure, explained for a user."""

    message: str
    hint: str | None

    def __str__(self) -> str:
        return with_hint(self.message, self.hint)


def explained(reported: str, secrets: Iterable[str] = (), *, about: str | None = None) -> Explained:
    """Explain a provider's failure: without wrappers, with secrets masked.

    Args:
        reported: The failure as the engine reports it. This keeps its hint, or adds one if the cause is known.
        secrets: Values that must not be shown.
        about: Name of the failed resource, since some services do not report it.
    """
    hidden = tuple(secrets)
    sentence, hint = split_hint(mask(reported, hidden))
    # Mask again: a secret inside JSON is escaped.
    cause = cause_of(sentence)
    if about is not None and about not in cause and any(known.names_nothing(cause) for known in _errors()):
        cause = f"{about}: {cause}"
    return Explained(mask(cause, hidden), with_text(hint, lambda text: mask(text, hidden)) or hint_for(sentence))


def cause_of(reported: str) -> str:
    """The cause without the wrappers of libraries; repeated causes appear once."""
    points = _COUNTED.sub("", reported.strip()).split(_NEXT_POINT)
    causes = dict.fromkeys(_cleaned(_AROUND.sub("", point.strip()).strip()) for point in points)
    return "; ".join(cause for cause in causes if cause) or reported.strip()


def hint_for(reported: str) -> str | None:
    """The fix of a failure, if a system knows it. A general hint applies only if no other hint matches."""
    hints = [hint for known in _errors() for hint in known.hints]
    for hint in sorted(hints, key=lambda hint: hint.general):
        if (found := hint.hint_on(reported)) is not None:
            return found
    return None


def with_setting_places(hint: str | None, settings: Node) -> str | None:
    """The hint, with the place in the platform file after each setting that the hint names and the file contains."""
    if hint is None:
        return None

    def with_place(found: re.Match[str]) -> str:
        node = settings
        for step in found[0].split("."):
            child = node.child(step)
            if child is None:
                break
            node = child
        return f"{found[0]} ({node.location})" if node is not settings and node.line > 1 else found[0]

    return with_text(hint, lambda text: _SETTING.sub(with_place, text))


def _cleaned(reported: str) -> str:
    for known in _errors():
        if known.clean is not None:
            reported = known.clean(reported)
    return reported.strip()


def _errors() -> Collection[SystemErrors]:
    """The explanations that systems register. A part that cannot be loaded must not hide the failure to explain."""
    return _errors_of(installed_systems())


@cache
def _errors_of(systems: Systems) -> Collection[SystemErrors]:
    return Parts(systems.single("errors", lambda system: system.errors), part_of(SystemErrors)).loaded()[0].values()
