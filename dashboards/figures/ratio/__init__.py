"""Figures by pruning ratio: one per network and kind, one panel per quantity."""
