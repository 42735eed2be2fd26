"""The Pulumi provider `alchemesh`: records of the mesh, and the embedded local platform, as resources."""
