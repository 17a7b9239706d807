"""Finding runs: what people write (``keys``, ``query``: pure), and the queries made of it.

``lists.run_list`` reads all of it from an address; pages, the API and exports share that.
"""
