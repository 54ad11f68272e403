"""Runs attempts: time limits, cancellation, leases, outcomes. It knows nothing of Celery."""
