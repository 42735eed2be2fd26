"""Bills of consumers: from contract versions, grants and usage lines to amounts of money."""
