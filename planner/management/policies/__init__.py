"""A log and a policy, made ready for ``manage.py simulate``."""
