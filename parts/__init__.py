"""Real servers for tests and the demo, prepared once for each user and started on loopback.

Do not use them in production.
"""
