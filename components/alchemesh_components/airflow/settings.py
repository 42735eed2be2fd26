"""Settings for Apache Airflow: the group ``airflow`` of the platform file's settings."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator

from alchemesh_components.local.settings import LocalSettings
from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.sdk.models import Strict

LOCAL_FOLDER = "_airflow"  # below the folder of processes; no domain has a name with an underscore


class AirflowSettings(Strict):
    """The Airflow that DAGs run in: 2.10 or later, or 3.x, which the platform asks for."""

    address: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/@?#]+(/[^\s?#]*)?$",
        description="Address of an Airflow that the platform team runs, as a browser opens it; by default the platform "
        "starts one on this machine.",
        examples=["https://airflow.acme.example"],
    )
    username: str | None = Field(default=None, description="User with the role User, with a password.")
    password: SecretRef | None = Field(default=None, description="The user's password.")
    token: SecretRef | None = Field(default=None, description="A bearer token, instead of a user.")
    ca_file: str | None = Field(default=None, description="PEM file of the authorities that may sign its certificate.")
    dags: str | None = Field(
        default=None,
        description="Folder of a DAG bundle that Airflow reads: a path that both machines have, gs://BUCKET/dags of "
        "Cloud Composer, or s3://BUCKET/dags of MWAA.",
        examples=["/srv/airflow/dags"],
    )

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.address is None:
            for name in ("username", "password", "token", "ca_file", "dags"):
                if getattr(self, name) is not None:
                    raise ValueError(f"expected `address` beside {name}: without one the platform starts an Airflow")
            return self
        if self.dags is None:
            raise ValueError("expected `dags` beside address: the folder that this Airflow reads DAGs from")
        if (self.username is None) != (self.password is None):
            raise ValueError("expected username and password together")
        if (self.username is None) == (self.token is None):
            raise ValueError("expected either username and password, or token")
        return self

    def login(self, run: str) -> dict[str, Any]:
        """The server and the platform's sign-in, with references to secrets only.

        Args:
            run: Folder of processes of the local platform.
        """
        if self.address is None:
            return {"folder": f"{run.rstrip('/')}/{LOCAL_FOLDER}"}
        names = {"address", "username", "password", "token", "ca_file"}
        return self.model_dump(mode="json", include=names, exclude_none=True)

    def folder_of_dags(self, run: str) -> str:
        """The folder that DAGs are delivered to."""
        return self.dags or f"{run.rstrip('/')}/{LOCAL_FOLDER}/dags"


class Settings(Strict):
    """Settings groups of airflow-dag."""

    local: LocalSettings = Field(description="The embedded local platform.")
    airflow: AirflowSettings = Field(default=AirflowSettings(), description="Apache Airflow.")
