"""What there should be of a study, and what there is."""
