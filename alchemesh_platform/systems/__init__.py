"""The systems that the platform can work with. Each package holds one system: client, handlers, resources."""
