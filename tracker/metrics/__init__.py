"""Metrics as they are kept: ``points`` (their values, in bits and in JSON) and ``chunk_columns``
(many in one row) are pure, ``series`` reads a curve back. ``recording`` writes them.
"""
