"""Use cases on the usage of output ports."""
