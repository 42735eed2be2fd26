"""Landing of source files on this machine: columns, types, and values that keep their meaning."""
