"""What every service shares: settings, structured logs and connections to Redis."""
