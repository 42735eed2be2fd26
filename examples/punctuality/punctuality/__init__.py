"""The code of the product operations/punctuality."""
