"""What stands and how it is doing: records of products, their last deployments, and what components say now."""
