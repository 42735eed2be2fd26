"""How the storages of this machine are measured."""
