"""The one-machine stack: PostgreSQL, Valkey and S3 from wheels, and `manage.py up`."""
