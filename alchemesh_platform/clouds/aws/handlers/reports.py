"""The reports of a function's runs, as objects in a bucket. Each run writes its own."""

from __future__ import annotations

from pydantic import Field

from alchemesh_platform.clouds.aws.handlers.sign_in import SignIn, client_in, remove_objects
from alchemesh_platform.provider.handler import Context, Handler
from alchemesh_platform.provider.inputs import Properties

RUNS = "runs/"  # a folder of the bucket


class ReportsInputs(Properties):
    """The declaration of reports."""

    sign_in: SignIn = Field(description="How the account is reached.")
    bucket: str = Field(min_length=1, description="Name of the bucket.")


class ReportsOutputs(Properties):
    """The folder of the reports."""

    folder: str = Field(description="Folder in the bucket.")


class ReportsHandler(Handler[ReportsInputs, ReportsOutputs]):
    """The reports of a function. Its runs write them; their deletion lets the bucket be deleted."""

    pulumi_type = "alchemesh:aws:Reports"
    summary = "The reports of a function's runs in a bucket: deleted with the function, since the history has them."
    inputs = ReportsInputs
    outputs = ReportsOutputs
    replace_on = frozenset({"bucket"})
    refuses_secrets = True

    def identify(self, inputs: ReportsInputs) -> str:
        return f"{inputs.bucket}/{RUNS}"

    def create(self, inputs: ReportsInputs, context: Context) -> ReportsOutputs:
        return ReportsOutputs(folder=RUNS)

    def read(
        self, inputs: ReportsInputs, outputs: ReportsOutputs, context: Context
    ) -> tuple[ReportsInputs, ReportsOutputs] | None:
        return inputs, outputs

    def update(
        self, inputs: ReportsInputs, old_inputs: ReportsInputs, outputs: ReportsOutputs, context: Context
    ) -> ReportsOutputs:
        return outputs

    def delete(self, inputs: ReportsInputs, outputs: ReportsOutputs, context: Context) -> None:
        """Remove the reports."""
        remove_objects(client_in(inputs.sign_in), inputs.bucket, RUNS)
