"""Pruning methods: scores, one selection, one surgery."""
