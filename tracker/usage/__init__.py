"""What ended attempts asked for and used (``spending``), and what to ask for next by that
(``next_request``: pure)."""
