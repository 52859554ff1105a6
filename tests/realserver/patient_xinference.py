"""Starts Xinference with more patience than it has by itself. Run by the servers' Python, like ``xinference-local``.

Its own limit of two minutes for its second process to import everything is a constant, and a machine that runs a test
suite beside it needs longer.
"""

from __future__ import annotations

import sys

from xinference.deploy import api_host

api_host.STARTUP_TIMEOUT = 900

if __name__ == "__main__":
    from xinference.deploy.cmdline import local  # imports the modules that copy the constant

    sys.exit(local())
