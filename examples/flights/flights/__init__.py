"""The code of the product aviation/flights."""
