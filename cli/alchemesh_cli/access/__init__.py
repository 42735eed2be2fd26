"""The parts of `alchemesh access`, by who uses them."""
