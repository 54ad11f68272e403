"""Providers: one folder each, with its client, its payload and its table of responses."""
