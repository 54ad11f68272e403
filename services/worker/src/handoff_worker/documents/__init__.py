"""Reads untrusted documents. A confined process of its own parses each of them."""
