"""Database: one way to the store that outlives the process, and its migrations."""
