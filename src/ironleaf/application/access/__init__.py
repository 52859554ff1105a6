"""Who may use the service: keys, sessions, their limits, and the guard that asks for them at the doors."""
