"""MLflow: what a run writes there, and nobody else."""
