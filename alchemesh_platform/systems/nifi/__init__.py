"""Apache NiFi: deploys, compares, observes and removes dataflows without data loss."""
