"""The code of a product, as a component sees it: its identity, and its runs."""
