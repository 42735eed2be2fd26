"""Access requests: operations, states and end dates."""
