"""Handoff's HTTP API: accepts work, answers at once, and tells how the work goes."""
