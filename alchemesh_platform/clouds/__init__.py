"""Clouds: emulation on this machine, names, error hints and identities of each."""
