"""Metering of a data API: the log of its web gateway and the counters of its SQL gateway."""
