"""Clients of GitHub and GitLab: one comment for each merge request."""
