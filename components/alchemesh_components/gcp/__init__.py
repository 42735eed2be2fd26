"""What components on Google Cloud share."""
