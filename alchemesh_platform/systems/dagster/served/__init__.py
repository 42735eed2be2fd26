"""Programs that run in Dagster's Python. They import Dagster and the standard library only."""
