"""Composition: from a manifest and a catalogue to a plan. Pure."""
