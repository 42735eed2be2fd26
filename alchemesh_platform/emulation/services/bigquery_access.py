"""Who may do what with a dataset or table: BigQuery's own list of access, and grants of IAM.

Source: https://cloud.google.com/bigquery/docs/control-access-to-resources-iam
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from alchemesh_platform.emulation.errors import Refused, not_found
from alchemesh_platform.emulation.resource_type import ResourceType, Values
from alchemesh_platform.emulation.services.bigquery_bodies import access_entry
from alchemesh_platform.emulation.services.bigquery_names import (
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
from alchemesh_platform.emulation.services.iam import ACCOUNT_DOMAIN, account_exists, grant
from alchemesh_platform.emulation.world import World
from alchemesh_platform.provider.inputs import Refusal

WHO = ("userByEmail", "groupByEmail", "domain", "specialGroup", "iamMember", "view", "routine", "authorizedDataset")
WITHOUT_ROLE = ("view", "routine", "authorizedDataset")


@dataclass(frozen=True, kw_only=True)
class Access(ResourceType):
    """One entry of a dataset's list, beside those of others."""

    def identify(self, values: Values) -> str:
        entry = json.dumps(access_entry(values), sort_keys=True).encode()
        return f"{DATASET_ID.format_map(values)}/access/{hashlib.sha256(entry).hexdigest()[:16]}"

    def make(self, world: World, values: Values, *, again: bool) -> None:
        self._known(world, values)
        with world.lock:
            entries = self._entries(world, values)
            entry = access_entry(values)
            if entry not in entries:
                world.bigquery().change_dataset(values["project"], values["datasetId"], {"access": [*entries, entry]})

    def look(self, world: World, values: Values) -> Mapping[str, Any] | None:
        if world.bigquery().dataset(values["project"], values["datasetId"]) is None:
            return None
        return {} if access_entry(values) in self._entries(world, values) else None

    def remove(self, world: World, values: Values) -> None:
        with world.lock:
            if world.bigquery().dataset(values["project"], values["datasetId"]) is None:
                return
            left = [entry for entry in self._entries(world, values) if entry != access_entry(values)]
            world.bigquery().change_dataset(values["project"], values["datasetId"], {"access": left})

    def _entries(self, world: World, values: Values) -> list[dict[str, Any]]:
        dataset = world.bigquery().dataset(values["project"], values["datasetId"])
        if dataset is None:
            raise not_found(DATASET_ID.format_map(values))
        return list(dataset.get("access") or ())

    def _known(self, world: World, values: Values) -> None:
        email = str(values.get("userByEmail") or "")
        if email.endswith(ACCOUNT_DOMAIN) and not account_exists(world, email, str(values["project"])):
            raise Refused(400, f"IAM setPolicy failed for Dataset {values['datasetId']}: user {email} does not exist.")
        view = values.get("view")
        if isinstance(view, Mapping):
            identity = TABLE_ID.format(project=view["projectId"], datasetId=view["datasetId"], tableId=view["tableId"])
            ours = view["projectId"] == values["project"]
            if ours and world.store.get(TABLE, identity) is None:
                raise not_found(f"view {identity}")


def _one_of_whom(inputs: Values) -> Iterator[Refusal]:
    given = [name for name in WHO if inputs.get(name) is not None]
    if len(given) != 1:
        yield Refusal(
            given[1] if given else WHO[0], f"found {' and '.join(given) or 'nobody'}, expected one of {', '.join(WHO)}"
        )
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
    limits=(_one_of_whom,),
    references=(ON_DATASET,),
    outputs={"apiUpdatedMember": lambda values, world: False},
)
GRANTS = (
    grant(DATASET_GRANT, DATASET_ID, SERVICE, ON_DATASET),
    grant(TABLE_GRANT, TABLE_ID, SERVICE, ON_TABLE, ON_DATASET),
)
