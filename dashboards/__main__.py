"""``python -m dashboards`` is ``prunefront``."""

from dashboards.cli import main

main()
