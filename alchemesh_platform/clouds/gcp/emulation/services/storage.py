"""Cloud Storage: buckets and objects in fake-gcs-server. The store holds class, labels, lifecycle and grants.

Source: https://cloud.google.com/storage/docs/buckets
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alchemesh_platform.clouds.gcp.emulation.api.rest import CONFLICT
from alchemesh_platform.clouds.gcp.emulation.services.iam import grant
from alchemesh_platform.clouds.gcp.emulation.types.errors import (
    STORAGE,
    Refused,
    bucket_name_taken,
    in_use,
    own_bucket_exists,
)
from alchemesh_platform.clouds.gcp.emulation.types.limits import Limit, Name, labels, one_of
from alchemesh_platform.clouds.gcp.emulation.types.resource_type import (
    Reference,
    ResourceType,
    Values,
    now,
    with_labels,
)
from alchemesh_platform.clouds.gcp.emulation.world import PROJECT_NUMBER, World
from alchemesh_platform.clouds.gcp.emulation.world import STORAGE as STORAGE_SERVER
from alchemesh_platform.provider.inputs import Refusal
from alchemesh_platform.provider.values import Secret, reveal

SERVICE = STORAGE
BUCKET = "gcp:storage/bucket:Bucket"
OBJECT = "gcp:storage/bucketObject:BucketObject"
BUCKET_GRANT = "gcp:storage/bucketIAMMember:BucketIAMMember"
TOPIC = "gcp:pubsub/topic:Topic"

# https://cloud.google.com/storage/docs/buckets#naming; a name with dots is a domain name, which must be verified
BUCKET_NAME_MAX = 63
BUCKET_NAME = re.compile(rf"(?!goog)(?!.*(google|g00gle))[a-z0-9][a-z0-9_-]{{1,{BUCKET_NAME_MAX - 2}}}[a-z0-9]")
OBJECT_NAME_MAX = 1024  # bytes, https://cloud.google.com/storage/docs/objects#naming
# https://cloud.google.com/storage/docs/locations
MULTI_REGIONS = ("us", "eu", "asia", "nam4", "eur4", "eur5", "eur7", "eur8", "asia1")
STORAGE_CLASSES = ("STANDARD", "MULTI_REGIONAL", "REGIONAL", "NEARLINE", "COLDLINE", "ARCHIVE")
# https://cloud.google.com/storage/docs/lifecycle#actions
LIFECYCLE_ACTIONS = ("Delete", "SetStorageClass", "AbortIncompleteMultipartUpload")


@dataclass(frozen=True, slots=True)
class BucketReference(Reference):
    """A bucket by its name: one of this store, or one that a user created in the emulator by hand."""

    def there(self, world: World, identity: str) -> bool:
        return Reference.there(self, world, identity) or world.storage().bucket_exists(identity)

    def remedy(self, world: World, identity: str) -> str | None:
        make = (
            f"curl '{world.address_of(STORAGE_SERVER)}/storage/v1/b?project=theirs' -d '{{\"name\": \"{identity}\"}}'"
        )
        return f"an emulated cloud has no buckets of other projects; create it there with `{make}`"


ON_BUCKET = BucketReference(BUCKET, "bucket")


@dataclass(frozen=True, kw_only=True)
class Bucket(ResourceType):
    """A bucket."""

    def taken(self, identity: str) -> Refused:
        return own_bucket_exists()

    def knows_region(self, region: str) -> bool:
        return region.lower() in MULTI_REGIONS or super().knows_region(region)

    def make(self, world: World, values: Values, *, recreating: bool) -> None:
        try:
            world.storage().make_bucket(str(values.get("project")), values["name"], values["location"])
        except Refused as error:
            if error.status != CONFLICT:
                raise
            if not recreating:
                raise bucket_name_taken() from None

    def look(self, world: World, values: Values) -> Mapping[str, Any] | None:
        return {} if world.storage().bucket_exists(values["name"]) else None

    def remove(self, world: World, values: Values) -> None:
        service, bucket = world.storage(), str(values["name"])
        if not service.bucket_exists(bucket):
            return
        for name in service.objects(bucket):
            if values.get("forceDestroy") is not True:
                hint = "move them, or deploy it with `forceDestroy` before it is removed"
                raise in_use(f"bucket {bucket}", "it holds objects", hint=hint)
            service.remove(bucket, name)
        service.remove_bucket(bucket)


@dataclass(frozen=True, kw_only=True)
class BucketObject(ResourceType):
    """An object with its content."""

    def make(self, world: World, values: Values, *, recreating: bool) -> None:
        content_type = values.get("contentType") or "text/plain; charset=utf-8"
        world.storage().write(values["bucket"], values["name"], _content(values), content_type)

    def look(self, world: World, values: Values) -> Mapping[str, Any] | None:
        found = world.storage().read(values["bucket"], values["name"])
        if found is None:
            return None
        if _digest(found) == values.get("md5hash"):
            return {}
        return {"content": Secret(found.decode(errors="replace"))}  # secret, like in the SDK

    def remove(self, world: World, values: Values) -> None:
        world.storage().remove(values["bucket"], values["name"])


def _lifecycle(inputs: Values) -> Iterator[Refusal]:
    rules = reveal(inputs.get("lifecycleRules"))
    for at, rule in enumerate(rules if isinstance(rules, list) else ()):
        action = rule.get("action") if isinstance(rule, Mapping) else None
        if isinstance(action, Mapping):
            path = f"lifecycleRules[{at}].action"
            yield from _inside(path, one_of("type", *LIFECYCLE_ACTIONS), action)
            yield from _inside(path, one_of("storageClass", *STORAGE_CLASSES), action)
            if action.get("type") == "SetStorageClass" and not action.get("storageClass"):
                yield Refusal(f"{path}.storageClass", "is required where the action is SetStorageClass")


def _object_content(inputs: Values) -> Iterator[Refusal]:
    given = [name for name in ("content", "source") if inputs.get(name) is not None]
    if len(given) != 1:
        yield Refusal("content", "expected one of content and source")
    name = reveal(inputs.get("name"))
    if isinstance(name, str) and not 1 <= len(name.encode()) <= OBJECT_NAME_MAX:
        yield Refusal("name", f"found {len(name.encode())} bytes, expected 1 to {OBJECT_NAME_MAX}")


def _inside(path: str, limit: Limit, part: Values) -> Iterator[Refusal]:
    return (Refusal(f"{path}.{found.property}", found.reason) for found in limit(part))


def _content(values: Values) -> bytes:
    if values.get("content") is not None:
        return str(values["content"]).encode()
    asset = values["source"]
    if "text" in asset:
        return str(asset["text"]).encode()
    path = Path(str(asset.get("path", "")))
    if not path.is_file():
        raise Refused(400, f"source: found {asset.get('path') or asset.get('uri')!r}, expected a file of this machine")
    return path.read_bytes()


def _digest(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()


TYPES = (
    Bucket(
        type=BUCKET,
        how="emulated",
        id="{name}",
        service=SERVICE,
        name=Name(
            BUCKET_NAME,
            f"3 to {BUCKET_NAME_MAX} lowercase letters, digits, - and _, with no 'google' in it",
            BUCKET_NAME_MAX,
            lower=True,
        ),
        # https://cloud.google.com/storage/docs/json_api/v1/buckets/patch has none of these
        replace_on=frozenset(
            {"name", "project", "location", "customPlacementConfig", "enableObjectRetention", "hierarchicalNamespace"}
        ),
        limits=(
            labels,
            _lifecycle,
            one_of("storageClass", *STORAGE_CLASSES),
            one_of("publicAccessPrevention", "inherited", "enforced"),
            one_of("rpo", "DEFAULT", "ASYNC_TURBO"),
        ),
        region="location",
        defaults={"storageClass": "STANDARD", "publicAccessPrevention": "inherited", "forceDestroy": False},
        outputs=with_labels(
            selfLink="https://www.googleapis.com/storage/v1/b/{name}",
            url="gs://{name}",
            projectNumber=lambda values, world: PROJECT_NUMBER,
            timeCreated=now,
            updated=now,
        ),
    ),
    BucketObject(
        type=OBJECT,
        how="emulated",
        id="{bucket}-{name}",
        service=SERVICE,
        name=Name(re.compile(r"[^\r\n]+"), "a name without line breaks", OBJECT_NAME_MAX),
        replace_on=frozenset(
            {"bucket", "name", "content", "source", "contentType", "contentEncoding", "contentLanguage", "cacheControl"}
        ),
        limits=(_object_content,),
        references=(ON_BUCKET,),
        outputs={
            "outputName": "{name}",
            "selfLink": "https://www.googleapis.com/storage/v1/b/{bucket}/o/{name}",
            "mediaLink": "https://storage.googleapis.com/download/storage/v1/b/{bucket}/o/{name}?alt=media",
            "md5hash": lambda values, world: _digest(_content(values)),
            "generation": lambda values, world: 1,
        },
    ),
    grant(BUCKET_GRANT, "b/{bucket}", SERVICE, ON_BUCKET),
    ResourceType(
        type="gcp:storage/notification:Notification",
        id="{bucket}/notificationConfigs/{number}",
        service=SERVICE,
        numbered=True,
        only_replaced=True,
        limits=(one_of("payloadFormat", "JSON_API_V1", "NONE"),),
        references=(ON_BUCKET, Reference(TOPIC, "topic", "projects/{project}/topics/{it}")),
        outputs={
            "notificationId": "{number}",
            "selfLink": "https://www.googleapis.com/storage/v1/b/{bucket}/notificationConfigs/{number}",
        },
    ),
)
