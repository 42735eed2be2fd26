"""The foundation of a platform on Google Cloud."""
