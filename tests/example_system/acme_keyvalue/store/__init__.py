"""Storage: one store for each port or need."""
