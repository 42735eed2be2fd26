"""The configuration of an instance: one variable of its container, which the component writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

VARIABLE = "DATA_API"
PORT_VARIABLE = "PORT"  # https://cloud.google.com/run/docs/container-contract#port
HOST_VARIABLE = "ALCHEMESH_DATA_API_HOST"  # address to listen at; all addresses of a container by default
READY_PATH = "/ready"  # the startup probe
# https://cloud.google.com/run/quotas: the size of all variables of a container
VARIABLES_BYTES_MAX = 32 * 1024


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BigQueryTable(_Part):
    """A table of BigQuery that an instance serves."""

    name: str = Field(min_length=1, description="Name of the table in the API.")
    table: str = Field(pattern=r"[^.`]+\.[^.`]+\.[^.`]+", description="project.dataset.table")
    columns: tuple[str, ...] = Field(min_length=1, description="Its served columns, in the order of the model.")
    key: tuple[str, ...] = Field(default=(), description="Columns of the key.")
    description: str = Field(default="", description="Meaning of a row.")


class InstanceConfiguration(_Part):
    """The configuration of an instance."""

    title: str = Field(description="Title of the OpenAPI document.")
    version: str = Field(default="1.0.0", description="Version of the port's contract.")
    tables: tuple[BigQueryTable, ...] = Field(description="Served tables.")
    refresh_seconds: Annotated[float, Field(gt=0)] = Field(description="Time between two looks for changed tables.")
    memory_megabytes: Annotated[int, Field(ge=512)] = Field(description="Memory of the instance.")
    protocols: tuple[str, ...] = Field(default=("rest", "graphql"), description="Offered protocols.")


class ConfigurationMissing(Exception):
    """Raised when the variable of the container is not set."""


def configuration_in(environ: Mapping[str, str]) -> InstanceConfiguration:
    """The configuration in the variables of the container.

    Raises:
        ConfigurationMissing: when there is none.
        pydantic.ValidationError: when it is not as expected.
    """
    if VARIABLE not in environ:
        raise ConfigurationMissing(f"the variable {VARIABLE} is not set: the component cloud-run-data-api sets it")
    return InstanceConfiguration.model_validate_json(environ[VARIABLE])
