"""What the services of Google Cloud say of their resources, one module a service."""
