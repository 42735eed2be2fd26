"""Provider handlers of the local platform, one resource type a file."""
