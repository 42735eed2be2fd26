"""The conformance kit: checks of a component, for its author. docs/conformance.md shows how to use it."""
