"""Finding, downloading and building the Pulumi engine and its plugins."""
