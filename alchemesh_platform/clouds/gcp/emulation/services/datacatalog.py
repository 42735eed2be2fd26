"""Policy tags are stored, and columns can refer to them. No emulator restricts access to columns.

Source: https://cloud.google.com/bigquery/docs/column-level-security-intro
"""

from __future__ import annotations

from alchemesh_platform.clouds.gcp.emulation.services.iam import grant
from alchemesh_platform.clouds.gcp.emulation.types.limits import at_most
from alchemesh_platform.clouds.gcp.emulation.types.resource_type import Reference, ResourceType

SERVICE = "datacatalog.googleapis.com"
TAXONOMY = "gcp:datacatalog/taxonomy:Taxonomy"
POLICY_TAG = "gcp:datacatalog/policyTag:PolicyTag"
DISPLAY_NAME_MAX = 200

TYPES = (
    ResourceType(
        type=TAXONOMY,
        id="projects/{project}/locations/{region}/taxonomies/{number}",
        service=SERVICE,
        numbered=True,
        replace_on=frozenset({"project", "region"}),
        limits=(at_most("displayName", DISPLAY_NAME_MAX),),
        region="region",
        outputs={"name": "projects/{project}/locations/{region}/taxonomies/{number}"},
    ),
    ResourceType(
        type=POLICY_TAG,
        id="{taxonomy}/policyTags/{number}",
        service=SERVICE,
        numbered=True,
        replace_on=frozenset({"taxonomy"}),
        limits=(at_most("displayName", DISPLAY_NAME_MAX),),
        references=(Reference(TAXONOMY, "taxonomy"), Reference(POLICY_TAG, "parentPolicyTag")),
        outputs={"name": "{taxonomy}/policyTags/{number}", "childPolicyTags": lambda values, world: []},
    ),
    grant(
        "gcp:datacatalog/policyTagIamMember:PolicyTagIamMember",
        "{policyTag}",
        SERVICE,
        Reference(POLICY_TAG, "policyTag"),
    ),
    grant(
        "gcp:datacatalog/taxonomyIamMember:TaxonomyIamMember", "{taxonomy}", SERVICE, Reference(TAXONOMY, "taxonomy")
    ),
)
