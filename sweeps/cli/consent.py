"""The user's word for what a received folder asks for: plugins that would be imported, places that would be sent to."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import click

from sweeps.cli.echo import echo
from sweeps.folder.confirmed import VARIABLE, is_confirmed, place_digest, remember
from sweeps.study.trust import REMEDY, Asked, Confirm, NotTrusted, require_trust

TRUST = click.option(
    "--trust-plugins",
    "trust",
    is_flag=True,
    envvar=VARIABLE,
    help="Trust the study of an output folder: import the plugins and send to the places that it names.",
)


def consent(trust: bool, *, ask: bool = True) -> Confirm:
    """Return who decides about plugins in a command: announces what is imported, and remembers what was confirmed.

    Args:
        trust: the user's word for this call.
        ask: whether to ask on a terminal.
    """
    allowed: set[str] = set()

    def confirm(asked: Asked) -> None:
        if asked.digest in allowed:
            return
        known = not asked.received or trust or is_confirmed(asked.digest)
        if not known and not (ask and _yes(f"{asked.folder}: its study imports {asked.said}. Run this code?")):
            require_trust(asked)
        allowed.add(asked.digest)
        remember(asked.digest, [asked.said])
        if None not in asked.files.values():  # one that is missing is answered by its own line, and by no other
            echo(f"plugins: {asked.said}", err=True)

    return confirm


def confirm_places(folder: Path, places: Iterable[str | None], *, received: bool, trust: bool) -> None:
    """Let a command send to the places that a study names: the user's own file, or places that they have confirmed.

    Raises:
        NotTrusted: a folder names a place that nobody has confirmed here.
    """
    for place in places:
        if place is None:
            continue
        known = not received or trust or is_confirmed(place_digest(place))
        if not known and not _yes(f"{folder}: its study sends results to {place}. Send them there?"):
            raise NotTrusted(f"{folder}: its study sends results to {place}, which you have not confirmed ({REMEDY})")
        remember(place_digest(place), [place])


def _yes(question: str) -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty() and click.confirm(question, err=True)
