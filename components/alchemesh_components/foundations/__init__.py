"""Components of the shared stacks: the platform stack and the domain stacks."""
