"""The subcommands of `alchemesh access` for owners, requesters and pipelines."""
