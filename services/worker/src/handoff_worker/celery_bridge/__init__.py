"""Everything that knows Celery: the application, its pool and consumer, its signals and remote control."""
