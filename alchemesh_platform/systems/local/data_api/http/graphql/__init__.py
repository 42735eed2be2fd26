"""GraphQL over the served tables."""
