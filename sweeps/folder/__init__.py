"""An output folder: its lock, its identity, where a sweep is asked to stop."""
