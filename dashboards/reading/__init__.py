"""A study's folder as tables."""
