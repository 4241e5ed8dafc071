"""The places of a sweep in words: for the line of progress, and for ``status``."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from prune_core.metrics.numbers import counted

_NODES = 4
"""Nodes that a line names one by one."""
_TRIALS = 50


def places_line(state: Mapping[str, Any] | None) -> str:
    """Return the places as a part of a line: ``5 of 8 places filled (a 4 of 4, b 1 of 4)``; empty before they are known."""
    if state is None:
        return ""
    nodes = [node for node in state["nodes"] if node["places"]]  # a head that only leads holds no trial
    told = f"{state['filled']} of {state['places']} places filled"
    if 1 < len(nodes) <= _NODES:
        each = [f"{node['name']} {node['filled']} of {node['places']}" for node in nodes]
        told += f" ({', '.join(each)})"
    elif len(nodes) > _NODES:
        whole = sum(node["filled"] >= node["places"] for node in nodes)
        told += f" on {len(nodes)} nodes, {whole} of them full"
    return "; ".join([told, *_troubles(state)])


def places_lines(state: Mapping[str, Any] | None) -> list[str]:
    """Return the places as lines of ``status``: all together, each node, which trial is where, why nothing starts."""
    if state is None:
        return []
    lines = [
        f"  places     {state['filled']} of {state['places']} filled; waiting for one: "
        f"{counted(state['waiting'], 'trial')}; for a turn or a baseline: {state['held_back']}"
    ]
    for node in state["nodes"]:
        free = f"{node['free']} free"
        lines.append(f"  node       {node['name']}: {node['filled']} of {node['places']} places filled, {free}")
    for trial in state["trials"][:_TRIALS]:
        gpus = f", GPUs {trial['gpus']}" if trial["gpus"] else ""
        since = f" for {time.time() - float(trial['since']):.0f} s" if trial["since"] else ""
        lines.append(f"  at work    {trial['name']} on {trial['node']}, process {trial['process']}{gpus}{since}")
    if len(state["trials"]) > _TRIALS:
        lines.append(f"  at work    and {len(state['trials']) - _TRIALS} more")
    return [*lines, *(f"  note       {trouble}" for trouble in _troubles(state))]


def _troubles(state: Mapping[str, Any]) -> list[str]:
    slow = [
        f"node {node['name']} is {node['slower']:.1f} times as slow as its peers"
        for node in state["nodes"]
        if node["slower"]
    ]
    return [*([str(state["why"])] if state["why"] else []), *slow]
