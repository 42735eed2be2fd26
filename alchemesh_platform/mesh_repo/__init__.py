"""The mesh repo: domains, teams, users and source systems as people declare them, and the way into the registry."""
