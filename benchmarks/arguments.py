"""Kinds of arguments that several benchmarks take."""

from __future__ import annotations

import argparse
from typing import NoReturn


class OneLineParser(argparse.ArgumentParser):
    """A parser that answers a wrong call as the command line does: one line, status 2, no dump of all options."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and end."""
        self.exit(2, f"{self.prog}: {message} (see: --help)\n")


def count_from_1(text: str) -> int:
    """Return a count.

    Raises:
        argparse.ArgumentTypeError: it is no whole number from 1.
    """
    if not (text.strip().isdecimal() and int(text) >= 1):
        raise argparse.ArgumentTypeError(f"{text!r} is no count (allowed: whole numbers from 1)")
    return int(text)
