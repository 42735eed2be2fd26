"""The price of contracts, and the bills of their consumers."""
