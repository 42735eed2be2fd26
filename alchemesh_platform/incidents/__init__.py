"""Incidents: commitments that are broken for longer than one measurement, and the notifications about them."""
