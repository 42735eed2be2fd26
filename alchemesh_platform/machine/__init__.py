"""This machine: its files, folders with an owner, and servers that run on it. Systems that work here share them."""
