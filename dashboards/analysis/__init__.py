"""What the numbers of a study say, as data."""
