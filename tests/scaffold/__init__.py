"""Packages that `alchemesh components new` creates."""
