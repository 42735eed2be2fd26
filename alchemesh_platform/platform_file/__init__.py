"""The platform file: what implements what, and where state is kept, in each environment."""
