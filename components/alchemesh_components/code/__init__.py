"""Components that run a product's own code."""
