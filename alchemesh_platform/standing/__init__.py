"""The standing of a product: its value as policies see it, and its maturity as its history shows it."""
