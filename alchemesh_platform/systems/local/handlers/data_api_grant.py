"""The grant of one consumer at a data API of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, Field

from alchemesh_platform.documents.models import Name
from alchemesh_platform.provider.handler import Context, Handler
from alchemesh_platform.provider.inputs import Properties
from alchemesh_platform.provider.paths import AbsolutePath
from alchemesh_platform.sdk.system.drift import Drift
from alchemesh_platform.systems.local.data_api.gateway.consumers import Entry, read_entry
from alchemesh_platform.systems.local.data_api.gateway.credentials import CredentialFailed, user_name
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
from alchemesh_platform.systems.local.data_api.gateway.grants import grant_access, revoke_access


class DataApiGrantInputs(Properties):
    """The consumer, the gateway and the end of access."""

    process: Name = Field(description="Name of the data API's server.")
    run_directory: AbsolutePath = Field(description="Absolute path of the folder that the server runs in.")
    request: str = Field(min_length=1, description="Address of the access request that it answers.")
    consumer: str = Field(min_length=1, description="Address of the requester.")
    ends_at: AwareDatetime | None = Field(default=None, description="When access ends; by default not by itself.")


class DataApiGrantOutputs(Properties):
    """The consumer's user name. It holds no credential: `alchemesh access credential` issues one."""

    user: str = Field(description="User name, for HTTP basic authentication and for SCRAM, and the database in SQL.")


class DataApiGrantHandler(Handler[DataApiGrantInputs, DataApiGrantOutputs]):
    """A grant of one consumer, which does not affect others. A refresh that finds it missing creates it again."""

    pulumi_type = "alchemesh:local:DataApiGrant"
    summary = "Access of one consumer to a data API. `alchemesh access credential` issues its credential."
    inputs = DataApiGrantInputs
    outputs = DataApiGrantOutputs
    replace_on = frozenset({"process", "run_directory", "request", "consumer"})

    def identify(self, inputs: DataApiGrantInputs) -> str:
        return str(Path(inputs.run_directory, inputs.process, user_name(inputs.consumer, inputs.request)))

    def plan(self, inputs: DataApiGrantInputs, old: DataApiGrantOutputs | None, context: Context) -> Mapping[str, Any]:
        if isinstance(inputs.consumer, str) and isinstance(inputs.request, str):
            return {"user": user_name(inputs.consumer, inputs.request)}
        return {}

    def drift(self, inputs: DataApiGrantInputs, outputs: DataApiGrantOutputs, context: Context) -> Drift | None:
        found = _entry(inputs, outputs)
        if found is None:
            return Drift(f"{inputs.consumer} lost its granted access; `up` grants it again", "user")
        if found.ends_at != inputs.ends_at:
            return Drift(f"access of {inputs.consumer} ends at another time than granted; `up` corrects it", "user")
        return None

    def create(self, inputs: DataApiGrantInputs, context: Context) -> DataApiGrantOutputs:
        entry = grant_access(_gateway(inputs), consumer=inputs.consumer, request=inputs.request, ends_at=inputs.ends_at)
        return DataApiGrantOutputs(user=entry.user)

    def read(
        self, inputs: DataApiGrantInputs, outputs: DataApiGrantOutputs, context: Context
    ) -> tuple[DataApiGrantInputs, DataApiGrantOutputs] | None:
        found = _entry(inputs, outputs)
        return None if found is None else (inputs.model_copy(update={"ends_at": found.ends_at}), outputs)

    def update(
        self,
        inputs: DataApiGrantInputs,
        old_inputs: DataApiGrantInputs,
        outputs: DataApiGrantOutputs,
        context: Context,
    ) -> DataApiGrantOutputs:
        return self.create(inputs, context)

    def delete(self, inputs: DataApiGrantInputs, outputs: DataApiGrantOutputs, context: Context) -> None:
        revoke_access(_gateway(inputs), inputs.request)


def _gateway(inputs: DataApiGrantInputs) -> Gateway:
    return Gateway(Path(inputs.run_directory), inputs.process)


def _entry(inputs: DataApiGrantInputs, outputs: DataApiGrantOutputs) -> Entry | None:
    try:
        found = read_entry(_gateway(inputs).folder, outputs.user)
    except CredentialFailed:
        return None
    return found if found is not None and found.request == inputs.request else None
