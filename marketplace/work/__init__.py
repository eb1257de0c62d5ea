"""Durable work: what must happen, leased and retried; Celery carries hints of it to the workers."""
