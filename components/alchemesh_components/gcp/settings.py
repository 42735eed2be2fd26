"""Settings for Google Cloud: the group ``gcp`` of the platform file's settings."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from alchemesh_platform.base.names import VARIABLE_PATTERN
from alchemesh_platform.sdk.models import Name, Strict

# https://cloud.google.com/resource-manager/docs/creating-managing-projects: 6 to 30 characters; "example.com:" before
# it in projects of old domains
PROJECT_PATTERN = r"^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$"
REGION_PATTERN = r"^[a-z]+-[a-z]+\d+$"  # https://cloud.google.com/about/locations
# https://cloud.google.com/bigquery/docs/locations: a region, or a multi-region
LOCATION_PATTERN = r"^([a-z]+-[a-z]+\d+|US|EU)$"
# https://cloud.google.com/resource-manager/docs/labels-overview#requirements
LABEL_KEY_PATTERN = r"^[a-z][a-z0-9_-]{0,62}$"
LABEL_VALUE_PATTERN = r"^[a-z0-9_-]{0,63}$"
KEY = "projects/acme-keys/locations/europe-west1/keyRings/mesh/cryptoKeys/storage"
KEY_PATTERN = r"^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$"
POLICY_TAG_PATTERN = r"^projects/[^/]+/locations/[^/]+/taxonomies/\d+/policyTags/\d+$"
FEDERATED_PATTERN = r"^principal(Set)?://iam\.googleapis\.com/\S+$"
BILLING_ACCOUNT_PATTERN = r"^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$"
# https://cloud.google.com/scheduler/docs/configuring/cron-job-schedules
CRON_PATTERN = r"^\S+( \S+){4}$"
NAME_PREFIX_PATTERN = r"^([a-z][a-z0-9]*(-[a-z0-9]+)*)?$"
NAME_PREFIX_MAX = 20  # a longer prefix leaves too little of a name to read

KmsKey = Annotated[str, StringConstraints(pattern=KEY_PATTERN)]
LabelKey = Annotated[str, StringConstraints(pattern=LABEL_KEY_PATTERN)]
LabelValue = Annotated[str, StringConstraints(pattern=LABEL_VALUE_PATTERN)]
PolicyTag = Annotated[str, StringConstraints(pattern=POLICY_TAG_PATTERN)]


class EncryptionKeys(Strict):
    """Customer-managed keys by service; Google's own keys where none is given.

    The service's agent needs ``roles/cloudkms.cryptoKeyEncrypterDecrypter`` on its key, and the key has to be in the
    location of what it encrypts.
    """

    storage: KmsKey | None = Field(default=None, description="Key of buckets.", examples=[KEY])
    bigquery: KmsKey | None = Field(default=None, description="Key of datasets and tables.", examples=[KEY])
    pubsub: KmsKey | None = Field(default=None, description="Key of topics.", examples=[KEY])
    secret_manager: KmsKey | None = Field(default=None, description="Key of secrets.", examples=[KEY])
    cloud_run: KmsKey | None = Field(default=None, description="Key of services and jobs.", examples=[KEY])
    artifact_registry: KmsKey | None = Field(
        default=None, description="Key of the repository of images.", examples=[KEY]
    )


def _placeholders(*names: str) -> AfterValidator:
    def check(template: str) -> str:
        try:
            template.format(**dict.fromkeys(names, ""))
        except (KeyError, IndexError, ValueError, AttributeError) as error:
            known = " and ".join(f"{{{name}}}" for name in names)
            raise ValueError(f"expected a text with no other placeholders than {known}") from error
        return template

    return AfterValidator(check)


class Principals(Strict):
    """How people and teams of the mesh are called in Google Cloud. Products go by their own service accounts."""

    user: Annotated[str, _placeholders("email")] = Field(
        default="user:{email}", description="IAM member of a user; {email} is the user's."
    )
    team: Annotated[str, _placeholders("domain", "team")] | None = Field(
        default=None,
        description="IAM member of a technical team, such as group:{domain}-{team}@acme.example; "
        "without it, each member of a team receives access.",
    )


class Budget(Strict):
    """Monthly budget of a domain. The owner receives alerts; spending is not stopped."""

    billing_account: Annotated[str, StringConstraints(pattern=BILLING_ACCOUNT_PATTERN)] = Field(
        description="Billing account of the project.", examples=["01AB23-45CD67-89EF01"]
    )
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = Field(
        default="EUR", description="Currency of that account, by its ISO 4217 code."
    )
    monthly: dict[Name, Annotated[int, Field(gt=0)]] = Field(
        default_factory=dict, description="Domain: monthly amount, in whole units of the currency."
    )


class ObserveJob(Strict):
    """A job that observes all products of the environment, as `alchemesh observe --all` does."""

    schedule: Annotated[str, StringConstraints(pattern=CRON_PATTERN)] = Field(
        default="* * * * *", description="Schedule in cron form, in UTC; every minute probes each slice of uptime."
    )
    image: str = Field(
        min_length=1,
        description="Image with Alchemesh and the platform file.",
        examples=["europe-west1-docker.pkg.dev/acme-mesh/prod--products/observe:1"],
    )
    platform_file: Annotated[str, StringConstraints(pattern=r"^/\S+$")] = Field(
        default="/etc/alchemesh/platform.yaml", description="Path of the platform file in the image."
    )
    secrets: dict[Annotated[str, StringConstraints(pattern=VARIABLE_PATTERN)], str] = Field(
        default_factory=dict,
        description="Variable: secret of Secret Manager, such as the password of the registry.",
        examples=[{"PGPASSWORD": "registry-password"}],
    )


class GcpSettings(Strict):
    """The Google Cloud project that products are deployed to, and how things are done there."""

    project: Annotated[str, StringConstraints(pattern=PROJECT_PATTERN)] = Field(
        description="Id of the project, not its name or number.", examples=["acme-mesh"]
    )
    project_number: int | None = Field(
        default=None,
        description=(
            "Number of the project, from `gcloud projects describe`. The names of Google's service agents contain it."
        ),
    )
    region: Annotated[str, StringConstraints(pattern=REGION_PATTERN)] = Field(
        description="Region of all regional resources.", examples=["europe-west1"]
    )
    bigquery_location: Annotated[str, StringConstraints(pattern=LOCATION_PATTERN)] | None = Field(
        default=None,
        description="Location of datasets: a region, EU or US; the region by default.",
        examples=["europe-west1", "EU"],
    )
    name_prefix: Annotated[str, StringConstraints(pattern=NAME_PREFIX_PATTERN, max_length=NAME_PREFIX_MAX)] = Field(
        default="",
        description="First word of every name; by default none, or the project for names that are globally unique.",
        examples=["acme"],
    )
    pipelines: dict[Name, tuple[Annotated[str, StringConstraints(pattern=FEDERATED_PATTERN)], ...]] = Field(
        default_factory=dict,
        description="Domain: identities of a workload identity pool that act as the account of the domain, such as "
        "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/attribute.repository/"
        "acme/orders.",
    )
    labels: dict[LabelKey, LabelValue] = Field(
        default_factory=dict, description="Labels of all resources that support labels."
    )
    encryption_keys: EncryptionKeys = Field(default_factory=EncryptionKeys, description="Customer-managed keys.")
    policy_tags: dict[str, PolicyTag] = Field(
        default_factory=dict,
        description="Classification of a property: BigQuery policy tag of its column. Other columns have none.",
    )
    principals: Principals = Field(default_factory=Principals, description="IAM principals of users and teams.")
    budget: Budget | None = Field(default=None, description="Budgets of domains.")
    observe: ObserveJob | None = Field(
        default=None, description="A scheduled job of the platform's stack that observes all products."
    )
    job_history: Literal["project", "organization"] | None = Field(
        default=None,
        description="Where the queries of consumers are counted, from BigQuery's own history of jobs: in this "
        "project, or in all projects of its organization. By default the usage of tables in BigQuery is unknown.",
    )
    deletion_protection: bool = Field(
        default=True, description="Whether tables with rows, and the registry's database, refuse to be deleted."
    )
    image_repository: str | None = Field(
        default=None,
        description=(
            "Repository of the products' images, such as europe-west1-docker.pkg.dev/acme-mesh/products; by "
            "default the output of the platform's stack. A product's image is "
            "<repository>/<domain>/<product>:<version>."
        ),
    )
    data_api_image: str | None = Field(
        default=None,
        description=(
            "Image that answers REST and GraphQL; by default "
            "<image_repository>/alchemesh.platform/data-api:<version of Alchemesh>."
        ),
    )

    @model_validator(mode="after")
    def _budgets_count_by_number(self) -> GcpSettings:
        if self.budget is not None and self.project_number is None:
            raise ValueError("expected project_number beside budget: budgets count a project by its number")
        return self

    @property
    def dataset_location(self) -> str:
        """The location of datasets."""
        return self.bigquery_location or self.region


class Settings(Strict):
    """Settings groups of the components for Google Cloud."""

    gcp: GcpSettings = Field(description="The project in Google Cloud.")
