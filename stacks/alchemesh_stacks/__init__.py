"""The Pulumi programs that the engine runs. Each also runs under plain `pulumi up`."""
