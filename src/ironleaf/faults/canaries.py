"""Secrets of our own invention that the faults carry: whatever lets one of them out has a leak."""

from __future__ import annotations

from typing import Final

ADDRESS: Final = "10.83.7.21:47613"
PID: Final = "pid=48213"
UID: Final = "canary-vl-instruct-rep0"
PATH: Final = "/srv/canary-models/serving/engine.py"
DSN: Final = "postgresql://canary:canary-word@db-canary.internal:5432/models"
KEY: Final = "sk-canary-4f1d88e02b7c"
HOST: Final = "gpu-canary-7.internal"
ACCOUNT: Final = "org-canary-91827364"

CANARIES: Final[tuple[str, ...]] = (ADDRESS, PID, UID, PATH, DSN, "canary-word", KEY, HOST, ACCOUNT)
"""Every secret that any fault may carry; none may stand in a byte that a caller sees."""
