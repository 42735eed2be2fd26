"""Use cases for reviewers of a merge request."""
