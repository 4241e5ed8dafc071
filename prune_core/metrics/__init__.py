"""Metrics: pure functions on arrays, float64 inside, each with direction, unit, range and source. Imports no torch."""

from prune_core.metrics.binning import assign_bins
from prune_core.metrics.bootstrap import Interval
from prune_core.metrics.calibration import Reliability, calibration_error, confidence_gap, ece, reliability
from prune_core.metrics.falling_ece import ece_fell_with_accuracy
from prune_core.metrics.likelihood import accuracy, brier, class_accuracy, mean_confidence, nll
from prune_core.metrics.predictions import CellPredictions, Predictions, log_softmax, softmax
from prune_core.metrics.registry import METRICS, Direction, Metric, file_metric
from prune_core.metrics.robustness import cell_accuracy, cell_ece, mpc, pooled_ece, rpc, worst_corruption
from prune_core.metrics.selective import Selective, accepting_threshold, augrc, aurc, cells_at, selective_at
from prune_core.metrics.temperature import cross_fit, first_half, fit_temperature

__all__ = [
    "METRICS",
    "CellPredictions",
    "Direction",
    "Interval",
    "Metric",
    "Predictions",
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
