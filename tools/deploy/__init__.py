"""`make deploy` and its siblings: from a commit to a rollout that has shown that it works, or to the old one."""
