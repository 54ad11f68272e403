"""The tutorial's provider, which writes notifications to a file."""
