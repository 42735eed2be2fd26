"""The effect of a contract change on consumers, and the rules for allowed changes."""
