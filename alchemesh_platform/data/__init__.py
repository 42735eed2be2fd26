"""Typed data of ports: a product's code reads rows as Arrow and writes rows that fit their model."""
