"""One module a handler. Every module in this folder is imported, so a new handler needs no registration."""
