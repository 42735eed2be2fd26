"""The foundation of a domain on AWS."""
