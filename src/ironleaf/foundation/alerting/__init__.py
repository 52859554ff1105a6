"""Alerting: signals become incidents, and incidents reach a person once."""
