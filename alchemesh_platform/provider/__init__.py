"""The Pulumi provider `alchemesh`: the mesh's records and the embedded local platform, as resources."""
