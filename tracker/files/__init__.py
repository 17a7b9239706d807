"""The files of runs: whose they are and which may be opened (``job_files``, ``run_files``), their
logs (``job_logs``), and TensorBoard's files read into curves (``event_files``).

``tracker.logs`` opens and reads any of them without being led astray.
"""
