"""Speed, always as a ratio against a peer or a floor that is measured in the same run."""
