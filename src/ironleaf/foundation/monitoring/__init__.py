"""Monitoring: events become statistics, statistics become signals."""

from ironleaf.foundation.monitoring.events import ErrorEvent, Measured, Outcome, WorkMeasured
from ironleaf.foundation.monitoring.signals import Identity, Signal, SignalSource, SignalState, Urgency

__all__ = [
    "ErrorEvent",
    "Identity",
    "Measured",
    "Outcome",
    "Signal",
    "SignalSource",
    "SignalState",
    "Urgency",
    "WorkMeasured",
]
