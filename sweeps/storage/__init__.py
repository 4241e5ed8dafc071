"""Weights and logits elsewhere."""
