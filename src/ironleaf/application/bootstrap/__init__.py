"""The wiring: the one place (with `worker_entry`) that names concrete classes and joins them into a house."""

from ironleaf.application.bootstrap.building import build_house, make_randomness
from ironleaf.application.bootstrap.engines import (
    build_backends,
    build_engines,
    build_readers,
    build_servers,
    build_watches,
)
from ironleaf.application.bootstrap.house import House

__all__ = [
    "House",
    "build_backends",
    "build_engines",
    "build_house",
    "build_readers",
    "build_servers",
    "build_watches",
    "make_randomness",
]
