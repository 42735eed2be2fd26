"""Rules that every emulated resource type shares."""
