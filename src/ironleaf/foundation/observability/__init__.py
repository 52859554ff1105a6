"""Structured, redacted logs, and reading them back."""

from ironleaf.foundation.observability.logs import configure_logs, lend_logs
from ironleaf.foundation.observability.records import find_records
from ironleaf.foundation.observability.redaction import Redactor
from ironleaf.foundation.observability.settings import LogSettings
from ironleaf.foundation.observability.stacks import describe_stack, make_fingerprint

__all__ = [
    "LogSettings",
    "Redactor",
    "configure_logs",
    "describe_stack",
    "find_records",
    "lend_logs",
    "make_fingerprint",
]
