"""An output port of another data product, as input."""
