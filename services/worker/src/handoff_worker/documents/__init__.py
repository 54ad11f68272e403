"""Reads documents that nobody trusts: a process of its own parses each, and may do nothing else."""
