"""What every document of the platform shares: base models, validation, and errors in words."""
