"""The mesh repo: declared domains, teams, users and source systems, and how `mesh apply` records them."""
