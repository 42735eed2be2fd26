"""Checks that components for Google Cloud share and that run before a deployment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

from alchemesh_components.gcp.settings import GcpSettings
from alchemesh_platform.sdk.objection import Objection

DAY = timedelta(days=1)
# https://cloud.google.com/kms/docs/locations: multi-regions of keys
KEY_MULTI_REGIONS = {"US": "us", "EU": "europe"}


def key_in_reach(key: str | None, location: str, what: str) -> Iterator[Objection]:
    """Check that a key is in the location of the encrypted resource.

    Source: https://cloud.google.com/kms/docs/cmek#cmek_and_location
    """
    expected = KEY_MULTI_REGIONS.get(location, location)
    if key is not None and (found := key.split("/")[3]) != expected:
        yield Objection(
            f"the key of {what} is in {found}, expected one in {expected}, where they are",
            hint="the platform file names another in settings.gcp.encryption_keys",
        )


def whole_days(span: timedelta | None, argument: str) -> Iterator[Objection]:
    """Check for whole days, which bucket rules need: https://cloud.google.com/storage/docs/lifecycle#age"""
    if span is not None and (span < DAY or span % DAY):
        yield Objection(
            "found a time that is no number of days, expected whole days, at least 1d",
            at="args",
            path=(argument,),
            hint="Cloud Storage removes files once a day",
        )


def project_number_known(settings: GcpSettings, what: str) -> Iterator[Objection]:
    """Check that the project number is known, since the emails of Google's service agents contain it."""
    if settings.project_number is None:
        yield Objection(
            f"found no settings.gcp.project_number, expected the project's number, which {what} needs",
            hint=f"gcloud projects describe {settings.project} --format='value(projectNumber)'",
        )


# From Cloud Run's message about another registry: https://cloud.google.com/run/docs/deploying#images
IMAGE_HOST = re.compile(r"([a-z0-9-]+\.)?gcr\.io|([a-z0-9-]+-)?docker\.pkg\.dev|docker\.io")


def image_in_reach(
    image: str | None, *, at: Literal["args", "component"], path: tuple[str, ...] = ()
) -> Iterator[Objection]:
    """Check that Cloud Run can pull an image: from Google's registries or from Docker Hub, the default."""
    host, slash, _ = (image or "").partition("/")
    if slash and ("." in host or ":" in host) and not IMAGE_HOST.fullmatch(host):
        yield Objection(
            f"found an image in {host}, expected one in Artifact Registry or on Docker Hub, as Cloud Run takes them",
            at=at,
            path=path,
            hint="a remote repository of Artifact Registry has those of others, as gcp-platform's has those of ghcr.io",
        )
