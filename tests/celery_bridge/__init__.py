"""The bridge from Celery, with an application that knows nothing of it."""
