"""Rules of early stopping by name, each one file in ``shipped/``; a plugin files its own."""

from __future__ import annotations

from sweeps.stopping_rules import shipped as shipped
from sweeps.stopping_rules.rule import STOPPING_RULES, ChosenRule, Decision, Standing, StoppingRule, choose_rule

__all__ = ["STOPPING_RULES", "ChosenRule", "Decision", "Standing", "StoppingRule", "choose_rule"]
