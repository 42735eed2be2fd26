"""Access to output ports: requests, decisions and grants."""
