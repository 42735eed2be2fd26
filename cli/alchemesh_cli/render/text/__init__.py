"""Parts of plain text that several renderers share: tables, quantities, the name of an environment."""
