"""Limits of names, labels and values that Google Cloud documents, as checks of a resource's inputs."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from alchemesh_platform.provider.inputs import Refusal
from alchemesh_platform.provider.values import UNKNOWN, reveal

Limit = Callable[[Mapping[str, Any]], Iterator[Refusal]]

# pulumi-terraform-bridge pkg/tfbridge/names.go: a dash and seven hexadecimal digits behind the resource's name.
AUTO_NAME_DIGITS = 7

# https://cloud.google.com/resource-manager/docs/labels-overview#requirements
LABELS_MAX = 64
LABEL_MAX = 63
LABEL_KEY = re.compile(rf"(?!goog)[a-z][\w-]{{0,{LABEL_MAX - 1}}}")
LABEL_VALUE = re.compile(rf"[\w-]{{0,{LABEL_MAX}}}")

# https://cloud.google.com/about/locations
# fmt: off
REGIONS = frozenset([
    "africa-south1", "asia-east1", "asia-east2", "asia-northeast1", "asia-northeast2", "asia-northeast3",
    "asia-south1", "asia-south2", "asia-southeast1", "asia-southeast2", "australia-southeast1",
    "australia-southeast2", "europe-central2", "europe-north1", "europe-north2", "europe-southwest1",
    "europe-west1", "europe-west2", "europe-west3", "europe-west4", "europe-west6", "europe-west8", "europe-west9",
    "europe-west10", "europe-west12", "me-central1", "me-central2", "me-west1", "northamerica-northeast1",
    "northamerica-northeast2", "northamerica-south1", "southamerica-east1", "southamerica-west1", "us-central1",
    "us-east1", "us-east4", "us-east5", "us-south1", "us-west1", "us-west2", "us-west3", "us-west4",
])
# fmt: on

# https://cloud.google.com/iam/docs/principal-identifiers
MEMBER = re.compile(
    r"allUsers|allAuthenticatedUsers|(user|group|serviceAccount):[^@\s]+@[^@\s]+\.[^@\s]+|domain:[^@\s]+\.[^@\s]+|"
    r"(projectOwner|projectEditor|projectViewer):\S+|principal(Set)?://\S+|deleted:\S+"
)
# https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/bigquery_dataset_iam
DATASET_MEMBER = re.compile(
    r"(user|group|serviceAccount):[^@\s]+@[^@\s]+\.[^@\s]+|domain:[^@\s]+\.[^@\s]+|iamMember:\S+|"
    r"projectOwners|projectReaders|projectWriters|allAuthenticatedUsers"
)
# https://cloud.google.com/iam/docs/roles-overview
ROLE = re.compile(r"(roles|projects/[^/]+/roles|organizations/[^/]+/roles)/[\w.]+")


@dataclass(frozen=True, slots=True)
class Name:
    """The rules for the name of a resource. Pulumi generates a name if the program gives none.

    Args:
        pattern: Pattern of the whole name.
        in_words: The same in words: ``3 to 63 lowercase letters, digits and dashes``.
        longest: Maximum length.
        property: The property with the name.
        automatic: Whether Pulumi generates a name.
        lower: Whether a generated name has no capitals.
    """

    pattern: re.Pattern[str]
    in_words: str
    longest: int
    property: str = "name"
    automatic: bool = True
    lower: bool = False

    def made_of(self, logical: str) -> str:
        """A unique name, generated from the resource's name in the program."""
        digits = secrets.token_hex(AUTO_NAME_DIGITS)[:AUTO_NAME_DIGITS]
        kept = logical[: self.longest - AUTO_NAME_DIGITS - 1]
        return f"{kept.lower() if self.lower else kept}-{digits}"

    def __call__(self, inputs: Mapping[str, Any]) -> Iterator[Refusal]:
        yield from matching(self.property, self.pattern, self.in_words)(inputs)


def matching(property_: str, pattern: re.Pattern[str], in_words: str) -> Limit:
    """Check that a whole text matches a pattern."""

    def check(inputs: Mapping[str, Any]) -> Iterator[Refusal]:
        found = reveal(inputs.get(property_))
        if isinstance(found, str) and not pattern.fullmatch(found):
            yield Refusal(property_, f"found {found!r}, expected {in_words}")

    return check


def one_of(property_: str, *allowed: str) -> Limit:
    """Check that a text is one of the allowed texts."""

    def check(inputs: Mapping[str, Any]) -> Iterator[Refusal]:
        found = reveal(inputs.get(property_))
        if isinstance(found, str) and found not in allowed:
            yield Refusal(property_, f"found {found!r}, expected one of {', '.join(allowed)}")

    return check


def at_most(property_: str, longest: int) -> Limit:
    """Check the maximum length of a text."""

    def check(inputs: Mapping[str, Any]) -> Iterator[Refusal]:
        found = reveal(inputs.get(property_))
        if isinstance(found, str) and len(found) > longest:
            yield Refusal(property_, f"found {len(found)} characters, expected at most {longest}")

    return check


def within(path: str, least: int, most: int, *, unit: str = "") -> Limit:
    """Check that a number, or a text with a number and its unit, is within bounds.

    Dots in the path lead into objects.
    """

    def check(inputs: Mapping[str, Any]) -> Iterator[Refusal]:
        found: Any = reveal(inputs)
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        if found is None or found is UNKNOWN:
            return
        number = found.removesuffix(unit) if unit and isinstance(found, str) and found.endswith(unit) else found
        is_number = isinstance(number, int) if not unit else isinstance(number, str) and number.isdigit()
        if not is_number or not least <= int(number) <= most:
            yield Refusal(path, f"found {found!r}, expected {least}{unit} to {most}{unit}")

    return check


def labels(inputs: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check labels by the rules of Google Cloud."""
    found = reveal(inputs.get("labels"))
    if not isinstance(found, Mapping):
        return
    if len(found) > LABELS_MAX:
        yield Refusal("labels", f"found {len(found)} labels, expected at most {LABELS_MAX}")
    for key, value in found.items():
        if not _is_label(LABEL_KEY, key):
            in_words = (
                f"a lowercase letter, then lowercase letters, digits, _ and -, {LABEL_MAX} at most, not 'goog' first"
            )
            yield Refusal(f"labels.{key}", f"found the key {key!r}, expected {in_words}")
        elif isinstance(value, str) and not _is_label(LABEL_VALUE, value):
            in_words = f"at most {LABEL_MAX} lowercase letters, digits, _ and -"
            yield Refusal(f"labels.{key}", f"found {value!r}, expected {in_words}")


def iam_member(inputs: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check the member and the role of a binding."""
    yield from matching("member", MEMBER, "a principal such as serviceAccount:NAME@PROJECT.iam.gserviceaccount.com")(
        inputs
    )
    yield from matching("role", ROLE, "a role such as roles/storage.objectViewer")(inputs)


def dataset_member(inputs: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check the member and the role of a binding on a dataset: basic roles have long names, some members a mark."""
    in_words = (
        "user:, serviceAccount:, group: or domain: and a name, iamMember: and a principal, or a group of the project"
    )
    yield from matching("member", DATASET_MEMBER, in_words)(inputs)
    yield from matching("role", ROLE, "a role such as roles/bigquery.dataViewer")(inputs)


def _is_label(pattern: re.Pattern[str], text: str) -> bool:
    return pattern.fullmatch(text) is not None and text == text.lower()
