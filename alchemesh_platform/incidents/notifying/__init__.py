"""Notifications of incidents: the people concerned, the messages, and the outbox that delivers them."""
