"""Access to datasets and tables: BigQuery's own access list, and IAM grants.

Source: https://cloud.google.com/bigquery/docs/control-access-to-resources-iam
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.clouds.gcp.emulation.services.bigquery_bodies import access_entry
from alchemesh_platform.clouds.gcp.emulation.services.bigquery_names import (
    DATASET_ACCESS,
    DATASET_GRANT,
    DATASET_ID,
    ON_DATASET,
    ON_TABLE,
    SERVICE,
    TABLE,
    TABLE_GRANT,
    TABLE_ID,
)
from alchemesh_platform.clouds.gcp.emulation.services.iam import ACCOUNT_DOMAIN, Grant, account_exists, grant
from alchemesh_platform.clouds.gcp.emulation.types.errors import Refused, not_found
from alchemesh_platform.clouds.gcp.emulation.types.limits import dataset_member
from alchemesh_platform.clouds.gcp.emulation.types.resource_type import ResourceType, Values
from alchemesh_platform.clouds.gcp.emulation.world import World
from alchemesh_platform.provider.inputs import Refusal

MEMBERS = ("userByEmail", "groupByEmail", "domain", "specialGroup", "iamMember", "view", "routine", "authorizedDataset")
WITHOUT_ROLE = ("view", "routine", "authorizedDataset")
# https://cloud.google.com/bigquery/docs/access-control-basic-roles#dataset-basic-roles; the API answers with these
BASIC_ROLES = {
    "roles/bigquery.dataOwner": "OWNER",
    "roles/bigquery.dataEditor": "WRITER",
    "roles/bigquery.dataViewer": "READER",
}
FIELDS = {"user": "userByEmail", "serviceAccount": "userByEmail", "group": "groupByEmail", "domain": "domain"}
SPECIAL_GROUPS = ("projectOwners", "projectReaders", "projectWriters", "allAuthenticatedUsers")


@dataclass(frozen=True, kw_only=True)
class Access(ResourceType):
    """One entry of a dataset's access list, independent of other entries.

    The provider identifies entries by role and member, without their condition, and rejects a second one. The emulation
    adopts an identical entry, since a killed run may have created it. In the real cloud, a user must remove it by hand.

    Source: https://github.com/GoogleCloudPlatform/magic-modules/blob/main/mmv1/products/bigquery/DatasetAccess.yaml
    """

    def identify(self, values: Values) -> str:
        entry = json.dumps(access_entry(values), sort_keys=True).encode()
        return f"{DATASET_ID.format_map(values)}/access/{hashlib.sha256(entry).hexdigest()[:16]}"

    def make(self, world: World, values: Values, *, recreating: bool) -> None:
        self._known(world, values)
        with world.lock:
            entries, entry = entries_of(world, values), access_entry(values)
            found = next((each for each in entries if _member(each) == _member(entry)), None)
            if found is None:
                _set_entries(world, values, [*entries, entry])
            elif found != entry:
                raise Failure(f"Unable to create DatasetAccess, existing object already found: {json.dumps(found)}")

    def look(self, world: World, values: Values) -> Mapping[str, Any] | None:
        if world.bigquery().dataset(values["project"], values["datasetId"]) is None:
            return None
        entry = access_entry(values)
        found = next((each for each in entries_of(world, values) if _member(each) == _member(entry)), None)
        if found is None:
            return None
        return {} if found == entry else {"condition": found.get("condition")}

    def remove(self, world: World, values: Values) -> None:
        with world.lock:
            if world.bigquery().dataset(values["project"], values["datasetId"]) is None:
                return
            member = _member(access_entry(values))
            _set_entries(world, values, [entry for entry in entries_of(world, values) if _member(entry) != member])

    def _known(self, world: World, values: Values) -> None:
        email = str(values.get("userByEmail") or "")
        if email.endswith(ACCOUNT_DOMAIN) and not account_exists(world, email, str(values["project"])):
            raise _unknown_member(values, email)
        view = values.get("view")
        if isinstance(view, Mapping):
            identity = TABLE_ID.format(project=view["projectId"], datasetId=view["datasetId"], tableId=view["tableId"])
            ours = view["projectId"] == values["project"]
            if ours and world.store.get(TABLE, identity) is None:
                raise not_found(f"view {identity}")


@dataclass(frozen=True, kw_only=True)
class DatasetGrant(Grant):
    """An IAM binding on a dataset, which is stored in the same list. The provider does not change other entries.

    Source: https://github.com/GoogleCloudPlatform/magic-modules/blob/main/mmv1/third_party/terraform/services/bigquery/
    iam_bigquery_member_dataset.go
    """

    def make(self, world: World, values: Values, *, recreating: bool) -> None:
        email = str(values["member"]).removeprefix("serviceAccount:")
        if email != values["member"] and not account_exists(world, email, str(values["project"])):
            raise _unknown_member(values, email)
        with world.lock:
            entries, entry = entries_of(world, values), binding_entry(values)
            if entry not in entries:
                _set_entries(world, values, [*entries, entry])

    def look(self, world: World, values: Values) -> Mapping[str, Any] | None:
        if world.bigquery().dataset(values["project"], values["datasetId"]) is None:
            return None
        return {} if binding_entry(values) in entries_of(world, values) else None

    def remove(self, world: World, values: Values) -> None:
        with world.lock:
            if world.bigquery().dataset(values["project"], values["datasetId"]) is None:
                return
            gone = binding_entry(values)
            _set_entries(world, values, [entry for entry in entries_of(world, values) if entry != gone])


def entries_of(world: World, values: Values) -> list[dict[str, Any]]:
    """The access list of a dataset."""
    dataset = world.bigquery().dataset(values["project"], values["datasetId"])
    if dataset is None:
        raise not_found(DATASET_ID.format_map(values))
    return list(dataset.get("access") or ())


def binding_entry(values: Values) -> dict[str, Any]:
    """A binding in the form of an entry of the access list."""
    member, role = str(values["member"]), str(values["role"])
    kind, _, name = member.partition(":")
    field, member = ("specialGroup", member) if member in SPECIAL_GROUPS else (FIELDS.get(kind, "iamMember"), name)
    entry: dict[str, Any] = {"role": BASIC_ROLES.get(role, role), field: member}
    condition = values.get("condition")
    return {**entry, "condition": dict(condition)} if isinstance(condition, Mapping) else entry


def _set_entries(world: World, values: Values, entries: list[dict[str, Any]]) -> None:
    world.bigquery().change_dataset(values["project"], values["datasetId"], {"access": entries})


def _member(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != "condition"}


def _unknown_member(values: Values, email: str) -> Refused:
    return Refused(400, f"IAM setPolicy failed for Dataset {values['datasetId']}: user {email} does not exist.")


def _one_member(inputs: Values) -> Iterator[Refusal]:
    given = [name for name in MEMBERS if inputs.get(name) is not None]
    if len(given) != 1:
        found = " and ".join(given) or "nobody"
        yield Refusal(given[1] if given else MEMBERS[0], f"found {found}, expected one of {', '.join(MEMBERS)}")
    elif given[0] in WITHOUT_ROLE and inputs.get("role") is not None:
        yield Refusal("role", f"expected none: what is authorised by {given[0]} may read")
    elif given[0] not in WITHOUT_ROLE and inputs.get("role") is None:
        yield Refusal("role", "is required")


ACCESS = Access(
    type=DATASET_ACCESS,
    how="emulated",
    id="projects/{project}/datasets/{datasetId}/access",
    service=SERVICE,
    only_replaced=True,
    repeatable=True,
    limits=(_one_member,),
    references=(ON_DATASET,),
    outputs={"apiUpdatedMember": lambda values, world: False},
)
GRANTS = (
    DatasetGrant(
        type=DATASET_GRANT,
        how="emulated",
        id=DATASET_ID,
        service=SERVICE,
        limits=(dataset_member,),
        references=(ON_DATASET,),
        outputs={"etag": lambda values, world: "BwXemulated="},
    ),
    grant(TABLE_GRANT, TABLE_ID, SERVICE, ON_TABLE, ON_DATASET),
)
