"""The LEGO: components for input ports, output ports, infrastructure and code."""
