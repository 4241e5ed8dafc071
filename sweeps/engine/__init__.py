"""Ray: the launch of trials, the worker, a quiet Ray of our own or somebody's cluster."""
