"""Data APIs on this machine: roapi servers in a sandbox, behind a gateway."""
