"""The report of an operation: its progress, its outcome, and the explanation of its errors."""
