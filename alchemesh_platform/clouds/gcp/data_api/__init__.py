"""The data API of Google Cloud: REST and GraphQL on Cloud Run, over a copy of BigQuery tables in the instance."""
