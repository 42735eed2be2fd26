"""Import and export of the Open Data Contract Standard (ODCS); export to the Open Data Product Standard (ODPS)."""
