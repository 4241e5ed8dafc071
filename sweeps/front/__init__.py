"""The Pareto front, its limits and its uncertainty."""
