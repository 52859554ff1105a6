"""Monitoring: events become statistics, statistics become signals."""

from ironleaf.foundation.monitoring.events import ErrorEvent, Measured, Outcome, WorkMeasured
from ironleaf.foundation.monitoring.settings import MonitoringSettings
from ironleaf.foundation.monitoring.signals import Identity, Signal, SignalSource, SignalState, Urgency
from ironleaf.foundation.monitoring.statistics import Frequency, WorkLine, list_frequencies, list_work
from ironleaf.foundation.monitoring.tally import Dimension, Tally
from ironleaf.foundation.monitoring.windows import Window

__all__ = [
    "Dimension",
    "ErrorEvent",
    "Frequency",
    "Identity",
    "Measured",
    "MonitoringSettings",
    "Outcome",
    "Signal",
    "SignalSource",
    "SignalState",
    "Tally",
    "Urgency",
    "Window",
    "WorkLine",
    "WorkMeasured",
    "list_frequencies",
    "list_work",
]
