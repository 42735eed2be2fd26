"""The conformance kit: components that keep every rule, and components that break one each."""
