"""Logs of real machines, read into jobs."""
