"""Identity of the acting user. The platform's identity provider verifies it, and every act records it."""
