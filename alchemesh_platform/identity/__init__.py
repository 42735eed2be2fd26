"""Identity of the acting user: verified once by the platform's identity provider, and recorded with every act."""
