"""The foundation of a domain on Google Cloud."""
