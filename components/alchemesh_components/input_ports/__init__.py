"""Components of input ports, which bring data into a product."""
