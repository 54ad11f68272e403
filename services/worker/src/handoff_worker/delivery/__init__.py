"""What all providers share: response categories, the rate limiter, channels, credentials and HTTP."""
