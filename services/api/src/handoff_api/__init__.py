"""Handoff's HTTP API: accepts tasks and batches, answers at once, and reports their progress and outcome."""
