"""The registry: current records of the mesh, their history, and the audit log."""
