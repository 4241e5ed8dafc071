"""``python -m prunefront`` is the command ``prunefront``."""

from dashboards.cli import main

main()
