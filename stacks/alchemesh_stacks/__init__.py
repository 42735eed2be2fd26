"""Pulumi programs: what the engine runs. Each also runs under plain `pulumi up`."""
