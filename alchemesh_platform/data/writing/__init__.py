"""Rows on their way to a port: what code writes, its checks, and its keys."""
