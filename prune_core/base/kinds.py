"""The kinds of trials: the words that descriptions, records and pages use."""

from __future__ import annotations

BASELINE, CONTROL, PRUNED, DENSE, SCRATCH = "baseline", "control", "pruned", "dense", "scratch"

KINDS = (BASELINE, CONTROL, PRUNED, DENSE, SCRATCH)
"""Every kind; records of a pruned network name its method instead."""

UNPRUNED = (BASELINE, CONTROL, DENSE)
"""Networks that no method touched."""

REFERENCES = (*UNPRUNED, SCRATCH)
"""What pruned networks are compared with."""

NEVER_FINE_TUNED = (BASELINE, DENSE, SCRATCH)
"""Judged once, as they were trained; they stand beside the candidates of every budget."""
