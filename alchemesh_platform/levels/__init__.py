"""Commitments of contracts: promise and truth side by side, each with a verdict."""
