"""Ironleaf beside other gateways under the same faults, in the same run."""
