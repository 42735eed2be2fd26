"""The bucket of a function: how it is reached, and the removal of its objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from alchemesh_platform.clouds.aws.client import client_of
from alchemesh_platform.clouds.aws.services import Missing, answered
from alchemesh_platform.provider.handler import NotDone
from alchemesh_platform.provider.inputs import Properties


class SignIn(Properties):
    """How the account is reached."""

    region: str = Field(description="Region of the bucket.")
    profile: str | None = Field(default=None, description="Profile of the shared credentials file.")
    role: str | None = Field(default=None, description="ARN of a role to assume.")
    emulated: str | None = Field(default=None, description="Folder of the emulated environment, if there is one.")


def client_in(place: SignIn) -> Any:
    """A client of S3 in an account, or in the emulated environment."""
    if place.emulated is None:
        return client_of("s3", region=place.region, profile=place.profile, role=place.role)
    from alchemesh_platform.clouds.aws.emulation.environment import services_in

    services = services_in(Path(place.emulated))
    services.url()
    return client_of("s3", services.place().variables(), region=place.region)


def remove_objects(client: Any, bucket: str, folder: str, keep: tuple[str | None, ...] = ()) -> None:
    """Remove the objects of a folder. A missing bucket is no error.

    Args:
        client: A client of S3.
        bucket: The bucket.
        folder: The folder, with a slash at its end.
        keep: Keys of objects that stay.

    Raises:
        NotDone: when S3 refuses to delete one.
    """
    try:
        with answered(f"the folder {folder} of {bucket}"):
            for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder):
                old = [{"Key": each["Key"]} for each in page.get("Contents", ()) if each["Key"] not in keep]
                answer = client.delete_objects(Bucket=bucket, Delete={"Objects": old, "Quiet": True}) if old else {}
                for refused in answer.get("Errors") or ():
                    raise NotDone(f"{refused['Key']} of {bucket} cannot be deleted: {refused.get('Message')}")
    except Missing:
        return
