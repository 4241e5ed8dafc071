"""Many trials: what to run, where, and where it is written down."""
