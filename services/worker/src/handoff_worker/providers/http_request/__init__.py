"""HTTP requests to any server of the internet."""
