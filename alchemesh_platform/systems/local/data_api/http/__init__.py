"""REST and GraphQL over a serving copy in PostgreSQL."""
