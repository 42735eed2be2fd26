"""Rows of the served tables: queries, pages, formats and streams."""
