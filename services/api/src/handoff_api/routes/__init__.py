"""Routes: each parses, calls one function, returns."""
