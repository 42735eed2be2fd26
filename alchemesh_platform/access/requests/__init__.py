"""Access requests: their acts, states and ends."""
