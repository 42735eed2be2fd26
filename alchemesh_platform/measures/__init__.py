"""Measures of products, assets and contracts: definitions, reports, and the file of reports that wait."""
