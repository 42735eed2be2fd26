"""One module for each section of docs/benchmarks.md."""
