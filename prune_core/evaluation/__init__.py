"""Judging a network: forward passes, logits, metrics as columns of a record, their uncertainty, the damage."""
