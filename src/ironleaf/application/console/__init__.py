"""The console: pages for people. They use the public API and show its answers; nothing is decided here."""
