"""The platform file: the implementation of each component type, and the location of the state, in each environment."""
