"""Traces by OpenTelemetry: one for each request, told to a collector. Off unless an address is set."""
