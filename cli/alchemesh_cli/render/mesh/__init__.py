"""Output about the mesh: access requests, contracts, inboxes, the audit log, the changes of a mesh repo."""
