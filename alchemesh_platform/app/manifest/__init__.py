"""Use cases on the files of a product: check them, plan them, propose a schema. Nothing is deployed."""
