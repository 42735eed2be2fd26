"""What the commands of `alchemesh contract` have in common, and those that have a file of their own."""
