"""Recovery: data that was kept, and resources that a killed run was creating."""
