"""Recovery of retained data, and of resources that a killed run was creating."""
