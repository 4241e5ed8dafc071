"""The study file of an output folder as plain data: what the pages read of it has the shape that they rely on.

It is not held to what `prunefront run` asks of a study: a page also shows a study of an older version, or one whose plugins
are not at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from prune_core.base.addresses import masked, masked_plain
from prune_core.base.errors import BadInput
from sweeps.folder.links import refuse_links
from sweeps.study.yaml import read_study_yaml

Check = Callable[[Any], bool]


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _list_of(each: Check) -> Check:
    return lambda value: isinstance(value, list) and all(each(one) for one in value)


def _mapping(value: object) -> bool:
    return isinstance(value, dict)


def _text(value: object) -> bool:
    return isinstance(value, str)


SHAPES: dict[str, tuple[Check, str]] = {
    "name": (_text, "text"),
    "title": (_text, "text"),
    "demonstration": (lambda value: isinstance(value, bool), "true or false"),
    "seeds": (_list_of(_whole), "a list of whole numbers"),
    "budgets": (_list_of(_whole), "a list of whole numbers"),
    "limits": (_list_of(_text), "a list of comparisons, for example 'val_ece_t <= 0.05'"),
    "margins": (_mapping, "columns with amounts"),
    "primary": (_list_of(_text), "a list of accuracy, ece, mpc"),
    "objectives": (lambda value: _mapping(value) or _list_of(_text)(value), "columns, or columns with max or min"),
    "evaluation": (_mapping, "keys and values"),
    "data": (_mapping, "keys and values"),
    "provenance": (_mapping, "keys and values"),
    "select_on": (_text, "validation or report"),
}


def read_plain_study(path: Path) -> Mapping[str, Any]:
    """Read ``study.yaml``; keys that are null are left out.

    Raises:
        BadInput: there is none, it cannot be read, a key has another shape than the pages rely on, or a link in its folder
            leads out of it.
    """
    refuse_links(path.parent)
    if not path.is_file():
        raise BadInput(f"{path.parent}: not the output folder of a study (it has no study.yaml)")
    try:
        plain = read_study_yaml(path)
    except BadInput as error:
        raise BadInput(f"{path}: cannot be read: {' '.join(masked(str(error)).split())}") from error
    if not isinstance(plain, dict):
        raise BadInput(f"{path}: holds no study (expected keys and values)")
    # a file of an earlier version, or one that somebody wrote by hand, may hold a password
    found = {str(key): value for key, value in masked_plain(plain).items() if value is not None}
    for key, (check, allowed) in SHAPES.items():
        if key in found and not check(found[key]):
            raise BadInput(f"{path}: {key}: {str(found[key])[:80]!r} (allowed: {allowed})")
    return found
