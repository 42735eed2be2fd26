"""The names of BigQuery's resource types."""

from __future__ import annotations

from alchemesh_platform.clouds.gcp.emulation.types.resource_type import Reference

SERVICE = "bigquery.googleapis.com"
DATASET = "gcp:bigquery/dataset:Dataset"
TABLE = "gcp:bigquery/table:Table"
DATASET_ACCESS = "gcp:bigquery/datasetAccess:DatasetAccess"
DATASET_GRANT = "gcp:bigquery/datasetIamMember:DatasetIamMember"
TABLE_GRANT = "gcp:bigquery/iamMember:IamMember"
DATASET_ID = "projects/{project}/datasets/{datasetId}"
TABLE_ID = "projects/{project}/datasets/{datasetId}/tables/{tableId}"

ON_DATASET = Reference(DATASET, "datasetId", "projects/{project}/datasets/{it}")
ON_TABLE = Reference(TABLE, "tableId", "projects/{project}/datasets/{datasetId}/tables/{it}")
