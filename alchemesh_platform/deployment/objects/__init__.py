"""Objects in a cloud that a product's data is in: whose they are, and the data that a deployment deletes with them."""
