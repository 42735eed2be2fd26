"""The gateway in front of a data API: consumers, credentials and grants."""
