"""This machine: files, folders with an owner, and supervised servers, for all systems that run here."""
