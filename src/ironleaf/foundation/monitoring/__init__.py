"""Monitoring: events become statistics, statistics become signals."""

from ironleaf.foundation.monitoring.events import ErrorEvent, Measured, Outcome, WorkMeasured
from ironleaf.foundation.monitoring.signals import Signal, SignalState, Urgency

__all__ = ["ErrorEvent", "Measured", "Outcome", "Signal", "SignalState", "Urgency", "WorkMeasured"]
