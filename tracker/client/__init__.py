"""Log a training's numbers; plan, start, watch and end its runs: the client of Queuecast.

In a training script, on a compute node:

    import queuecast

    queuecast.init(config={"lr": 3e-4}, seed=1)
    queuecast.log({"loss": 0.5}, step=3)

Nothing here raises into the training or waits for the service: points are written to a spool and
sent from there. On a login node it is a command line:

    python3 queuecast.py --help

One file that needs nothing but Python 3.8. The service's address and a token come from
TRACKER_API=http://token:SECRET@host:port, else from QUEUECAST_URL and QUEUECAST_TOKEN, else from
~/.config/queuecast.json, of mode 0600: {"url": "http://host:port", "token": "SECRET"}. Commands
need a token of scope user. Exit codes: 0 done, 1 failed with the reason on standard error, 2 wrong
usage.
"""
