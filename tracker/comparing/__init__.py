"""Runs side by side.

``chosen`` says which runs, ``charts`` reads their curves. Pure are ``looks`` (over what, how
smooth, which stretch), ``smoothing``, ``groups`` (runs set alike) and ``seeds`` (their mean).
"""
