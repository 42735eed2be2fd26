"""Checks that components for AWS share and that run before a deployment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from alchemesh_components.aws.settings import AwsSettings
from alchemesh_platform.sdk.objection import Objection

DAY = timedelta(days=1)


def key_in_region(key: str | None, settings: AwsSettings, what: str) -> Iterator[Objection]:
    """Check that a key is in the region of the encrypted resource.

    Source: https://docs.aws.amazon.com/kms/latest/developerguide/services-s3.html
    """
    if key is not None and (found := key.split(":")[3]) != settings.region:
        yield Objection(
            f"the key of {what} is in {found}, expected one in {settings.region}, where they are",
            hint="the platform file names another in settings.aws.encryption_keys",
        )


def whole_days(span: timedelta | None, argument: str) -> Iterator[Objection]:
    """Check for whole days, which lifecycle rules of buckets need.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
    """
    if span is not None and (span < DAY or span % DAY):
        yield Objection(
            "found a time that is no number of days, expected whole days, at least 1d",
            at="args",
            path=(argument,),
            hint="S3 removes files once a day",
        )
