"""Metrics: pure functions on arrays, float64 inside, each with direction, unit, range and source. Imports no torch.

Every file of this folder and of ``prune_core/cost/costs`` is imported here, and so registers what it defines.
"""

import importlib

from prune_core.base.discovery import import_modules
from prune_core.metrics.binning import assign_bins
from prune_core.metrics.bootstrap import Interval
from prune_core.metrics.calibration import Reliability, calibration_error, confidence_gap, ece, reliability
from prune_core.metrics.costs import COSTS, Cost
from prune_core.metrics.falling_ece import ece_fell_with_accuracy
from prune_core.metrics.likelihood import accuracy, brier, class_accuracy, mean_confidence, nll
from prune_core.metrics.predictions import CellPredictions, Predictions, log_softmax, softmax
from prune_core.metrics.quantity import Direction, Quantity
from prune_core.metrics.registry import METRICS, Metric, file_cost, file_metric
from prune_core.metrics.robustness import cell_accuracy, cell_ece, mpc, pooled_ece, rpc, worst_corruption
from prune_core.metrics.selective import Selective, accepting_threshold, augrc, aurc, cells_at, selective_at
from prune_core.metrics.temperature import cross_fit, first_half, fit_temperature

__all__ = [
    "COSTS",
    "METRICS",
    "CellPredictions",
    "Cost",
    "Direction",
    "Interval",
    "Metric",
    "Predictions",
    "Quantity",
    "Reliability",
    "Selective",
    "accepting_threshold",
    "accuracy",
    "assign_bins",
    "augrc",
    "aurc",
    "brier",
    "calibration_error",
    "cell_accuracy",
    "cell_ece",
    "class_accuracy",
    "confidence_gap",
    "cross_fit",
    "ece",
    "ece_fell_with_accuracy",
    "file_cost",
    "file_metric",
    "first_half",
    "fit_temperature",
    "log_softmax",
    "mean_confidence",
    "mpc",
    "nll",
    "pooled_ece",
    "reliability",
    "rpc",
    "selective_at",
    "cells_at",
    "softmax",
    "worst_corruption",
]

import_modules(__name__, __path__)
importlib.import_module("prune_core.cost.costs")
