"""Channels of the platform file that reach people: webhooks and the mail server."""
