"""What the commands print: names come from files, and none of them moves a cursor or shows credentials."""

from __future__ import annotations

import click

from prune_core.base.addresses import masked
from prune_core.base.plain_text import printable


def echo(text: object, *, err: bool = False) -> None:
    """Print lines of text, on stderr where they say what went wrong."""
    click.echo(printable(masked(str(text))), err=err)
