"""HTTP requests to any server on the internet."""
