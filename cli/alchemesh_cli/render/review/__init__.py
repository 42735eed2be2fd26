"""The combined document of previews, rendered for reviewers."""
