"""Durable work: what must happen is a row, leased and retried; Celery carries hints of it to the workers."""
