"""What a change of a contract means for its consumers, and whether the change is allowed."""
