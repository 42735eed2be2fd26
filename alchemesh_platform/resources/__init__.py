"""Pulumi resources of the `alchemesh` provider: the mesh's records and the embedded local platform."""
