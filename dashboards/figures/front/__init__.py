"""The front: accuracy against calibration, robustness and cost."""
