"""Objects of Google Cloud: whose they are, the data in them, and their deletion."""
