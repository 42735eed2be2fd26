"""Provider handlers of the records of the mesh, one kind of record a file."""
