"""The code of a deployed product: its connections, its new data, its runs."""
