"""The emulators as supervised servers of this machine."""
