"""The shared stacks that products depend on: the platform stack and the domain stacks."""
