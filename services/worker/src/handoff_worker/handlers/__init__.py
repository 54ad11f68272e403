"""One module a handler. A module put here is found by itself."""
