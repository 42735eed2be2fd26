"""The Pulumi provider."""
