"""What components on this machine share."""
