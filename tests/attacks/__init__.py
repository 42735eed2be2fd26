"""Attacks, in bounded time: each is a test that fails if the attack succeeds."""
