"""Shipped doubles: a model server and an engine that fail on command, and a clock that is moved by hand."""

from ironleaf.faults.canaries import CANARIES
from ironleaf.faults.clock import ManualClock
from ironleaf.faults.engine import FaultyEngine, Late, Silence, Step
from ironleaf.faults.model_server import FaultyModelServer
from ironleaf.faults.scenarios import FAULTS, Fault, Reach

__all__ = [
    "CANARIES",
    "FAULTS",
    "Fault",
    "FaultyEngine",
    "FaultyModelServer",
    "Late",
    "ManualClock",
    "Reach",
    "Silence",
    "Step",
]
