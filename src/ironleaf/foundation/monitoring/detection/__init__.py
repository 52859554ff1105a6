"""Detection: small pure machines that turn figures into signals: one when a condition begins, one when it ends."""

from ironleaf.foundation.monitoring.detection.rules import RULES, Rule

__all__ = ["RULES", "Rule"]
