"""One run of a study, from the plan to the report."""
