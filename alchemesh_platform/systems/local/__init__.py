"""The embedded local platform: folders, tables, ingestion, servers and jobs of one machine."""
