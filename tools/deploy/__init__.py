"""`make deploy` and related commands: deploy a commit, test it, and restore the old release on failure."""
