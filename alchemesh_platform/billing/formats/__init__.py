"""Bills as CSV, and in the FinOps Open Cost and Usage Specification (FOCUS)."""
