"""Values of rows: from Python to Arrow, and from one type to another without a loss."""
