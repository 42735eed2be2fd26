"""The emulated services of Google Cloud, one module for each."""
