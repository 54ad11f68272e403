"""Settings, structured logs, deadlines and Redis connections for every service."""
