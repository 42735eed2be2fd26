"""The platform's components for input ports, output ports, infrastructure and code."""
