"""Probes of ports, as systems register them, and the questions over HTTP that several of them ask."""
