"""Who is asking: established once, by the identity provider of the platform, and recorded with every act."""
