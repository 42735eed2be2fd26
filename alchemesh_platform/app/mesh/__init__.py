"""Use cases on the mesh: its repo, access between products, contracts, credentials, inboxes."""
