"""What responses for the world outside: one module a provider, one vocabulary for their responses."""
