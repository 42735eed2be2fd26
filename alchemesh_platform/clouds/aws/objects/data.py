"""The objects of AWS that hold data: buckets, streams and secrets."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.clouds.aws.objects.tagged import Tagged, tags_in
from alchemesh_platform.clouds.aws.services import Missing, answered, code_of, service
from alchemesh_platform.machine.files import count
from alchemesh_platform.sdk.system.cloud_object import Contents

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform

FILES_COUNTED = 10_000  # counting the files of a larger bucket takes too long
KEYS_MAX = 1_000  # https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html


class BucketObject(Tagged):
    """A bucket."""

    kind = "bucket"
    holds_data = True

    def tags(self, client: Any, identity: str) -> Mapping[str, str]:
        from botocore.exceptions import ClientError

        client.head_bucket(Bucket=identity)
        try:
            return tags_in(client.get_bucket_tagging(Bucket=identity)["TagSet"])
        except ClientError as error:
            if code_of(error) == "NoSuchTagSet":
                return {}
            raise

    def contents(self, platform: Platform, identity: str, *, apart: Collection[str] = ()) -> Contents | None:
        try:
            pages = service(platform, self.service).get_paginator("list_objects_v2")
            with answered(f"bucket {identity}"):
                found = (item for page in pages.paginate(Bucket=identity) for item in page.get("Contents") or ())
                files = sum(1 for _ in islice(found, FILES_COUNTED + 1))
        except Missing:
            return None
        if files > FILES_COUNTED:
            return Contents(f"more than {FILES_COUNTED:,} files")
        return Contents(count(files, "file"), files=files) if files else None

    def remove(self, client: Any, identity: str) -> None:
        empty_bucket(client, identity)
        client.delete_bucket(Bucket=identity)


class StreamObject(Tagged):
    """A stream of Kinesis, which counts no messages."""

    kind = "stream"
    holds_data = True

    def tags(self, client: Any, identity: str) -> Mapping[str, str]:
        return tags_in(client.list_tags_for_stream(StreamName=identity)["Tags"])

    def contents(self, platform: Platform, identity: str, *, apart: Collection[str] = ()) -> Contents | None:
        return Contents("messages of unknown number") if self.owner(platform, identity) is not None else None

    def remove(self, client: Any, identity: str) -> None:
        client.delete_stream(StreamName=identity, EnforceConsumerDeletion=True)


class SecretObject(Tagged):
    """A secret of Secrets Manager, by its ARN."""

    kind = "secret"
    # https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_delete-secret.html
    remains = "Secrets Manager can restore it for 30 days"

    def tags(self, client: Any, identity: str) -> Mapping[str, str]:
        return tags_in(client.describe_secret(SecretId=identity).get("Tags"))

    def remove(self, client: Any, identity: str) -> None:
        client.delete_secret(SecretId=identity)


def empty_bucket(client: Any, bucket: str) -> int:
    """Delete every version of every object of a bucket, and its unfinished uploads; returns the number of versions.

    Raises:
        Failure: when S3 refuses to delete one.
    """
    removed = 0
    found = _versions(client, bucket)
    while batch := list(islice(found, KEYS_MAX)):
        answer = client.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
        for refused in answer.get("Errors") or ():
            raise Failure(f"{refused['Key']} of bucket {bucket} cannot be deleted: {refused.get('Message')}")
        removed += len(batch)
    for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        for upload in page.get("Uploads") or ():
            client.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    return removed


def _versions(client: Any, bucket: str) -> Iterator[dict[str, str]]:
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for item in (*(page.get("Versions") or ()), *(page.get("DeleteMarkers") or ())):
            yield {"Key": item["Key"], "VersionId": item["VersionId"]}


BUCKET = BucketObject("s3")
STREAM = StreamObject("kinesis")
SECRET = SecretObject("secretsmanager")
