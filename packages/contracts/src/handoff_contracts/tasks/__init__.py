"""One module a contract. A module put here is found by itself."""
