"""Pipelines for merge requests and deployments: templates, and the function that renders them."""
