"""The foundation of a platform on AWS."""
