"""How the storages of Google Cloud are measured: each by its own means, and never above a limit of bytes."""
