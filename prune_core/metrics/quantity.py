"""The plain facts of a metric or a cost: what it is called, which way is better, how it is printed, where it is shown.

Everything that readers need (labels, axes, tables, MLflow, limits) and nothing that computes: the facts also travel as JSON
in a study's folder, so that a page can be built where the plugin that measured them is not at hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from prune_core.base.build import BUILD_COLUMNS
from prune_core.base.errors import BadInput
from prune_core.base.trial_folder import NORMALISATION

Direction = Literal["max", "min"]
"""Which way a column is better: larger or smaller."""
Format = Literal["number", "percent", "count", "bytes", "times", "seconds", "text"]
"""How values are printed: ``percent`` of a fraction (differences in points), ``count`` and ``bytes`` short with k, M, G,
``times`` as 3.1×, ``text`` a name that is no number."""
On = Literal["images", "severity", "cells", "fit", "set", "cost"]

RESERVED = frozenset(
    [
        "key",
        "study",
        "arm",
        "network",
        "method",
        "ratio",
        "seed",
        "budget",
        "status",
        "cause",
        "mlflow_run_id",
        "corruption_set",
        "control_key",
        "name",
        "limits",
        "verdict",
        "seeds",
        "complete",
        "keys",
        "front",
        "front_mixed",
        "front_frequency",
        "frequency",
        "within",
        "runs",
        "place",
        "report_cells",
        "ece_bins",
        *BUILD_COLUMNS,
        NORMALISATION,
    ]
)
"""Columns of records and candidates that are no metric: no metric and no cost may be called so."""
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_DERIVED = re.compile(r"^(val|delta)_|_std$")
SEVERITIES = (1, 2, 3, 4, 5)
_TEXTS = ("name", "title", "unit", "group")


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """What readers know of one metric or cost.

    Attributes:
        name: the record's column.
        title: what tables, axes and figures call it.
        on: what it is computed on, as `Metric.on`; ``cost`` for a cost, ``set`` for a number about a set of images.
        direction: which way is better; None where neither is, which then is no objective.
        unit: of the value.
        low: the smallest possible value, None where there is none.
        high: the largest possible value, None where there is none.
        format: how values and differences are printed.
        decimals: digits behind the point; None is the format's own choice.
        group: what stands together, for example ``"calibration"``.
        order: where it stands in tables, smaller first; equal ones by name of registration.
        log: whether its axis is logarithmic.
        table: whether the report's tables of the front and of differences have it, and its figure by ratio.
        headline: whether it is one of the few that every summary shows: the terminal's table, effects, claims.
        panel: whether the figure of the front has a panel of it, against accuracy.
        tracked: whether MLflow gets it, at every budget (a cost: once), and cards of exported networks show it.
        recorded: whether it has a column in the records.
        on_train: also measured on training images, as ``train_*``.
        after_temperature: also measured after temperature scaling, as ``*_t``.
        repeatable: False where two runs of one study measure different values, as of seconds.
    """

    name: str
    title: str
    on: On
    direction: Direction | None = None
    unit: str = "1"
    low: float | None = None
    high: float | None = None
    format: Format = "number"
    decimals: int | None = None
    group: str = ""
    order: int = 100
    log: bool = False
    table: bool = True
    headline: bool = True
    panel: bool = True
    tracked: bool = True
    recorded: bool = True
    on_train: bool = False
    after_temperature: bool = False
    repeatable: bool = True

    @property
    def is_cost(self) -> bool:
        """Whether it says what a network weighs or takes, not how good it is."""
        return self.on == "cost"

    @property
    def is_text(self) -> bool:
        """Whether its values are names, not numbers."""
        return self.format == "text"

    @property
    def needs_corruptions(self) -> bool:
        """Whether it is measured on corrupted images."""
        return self.on in ("severity", "cells")

    @property
    def columns(self) -> list[str]:
        """The columns of a record that hold it: on report, training and selection images, each severity, after scaling."""
        if self.on in ("cost", "set"):
            return [self.name]
        plain = [self.name, *([f"{self.name}_t"] if self.after_temperature else [])]
        return [
            *plain,
            *([f"{self.name}_s{severity}" for severity in SEVERITIES] if self.on == "severity" else []),
            *([f"train_{self.name}"] if self.on_train else []),
            *(f"val_{column}" for column in plain),
        ]

    def to_plain(self) -> dict[str, Any]:
        """Return the facts as plain JSON values."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def quantity_from_plain(plain: Mapping[str, Any]) -> Quantity:
    """Return the facts that `Quantity.to_plain` wrote; keys of later versions are passed over.

    Raises:
        BadInput: a value is of another kind than the facts are made of.
    """
    known = {field.name for field in fields(Quantity)}
    try:
        found = Quantity(**{name: value for name, value in plain.items() if name in known})
    except TypeError as error:
        raise BadInput(f"no description of a metric or cost: {error}") from None
    check_quantity(found)
    return found


def facts_of(entry: Any, **more: Any) -> Quantity:
    """Return the facts of a registered metric or cost: the fields of `Quantity` that it has."""
    shared = {field.name: getattr(entry, field.name) for field in fields(Quantity) if hasattr(entry, field.name)}
    return Quantity(**{**shared, **more})


def check_quantity(found: Quantity) -> None:
    """Check that the facts are of the kinds that they are said to be, and that the name is free for a column.

    Raises:
        BadInput: the name, what is wrong with it, what is allowed.
    """
    where = f"metric or cost {str(found.name)[:80]!r}"
    if not isinstance(found.name, str) or not _NAME.fullmatch(found.name) or len(found.name) > 60:
        raise BadInput(f"{where}: no name for a column (allowed: lower-case letters, digits and _, a letter first)")
    if found.name in RESERVED or _DERIVED.search(found.name):
        raise BadInput(f"{where}: this name is taken (allowed: one without val_ or delta_ before it and _std behind it)")
    for key, allowed in (("direction", get_args(Direction)), ("format", get_args(Format)), ("on", get_args(On))):
        value = getattr(found, key)
        if value not in allowed and not (key == "direction" and value is None):
            raise BadInput(f"{where}: {key} is {value!r} (allowed: {', '.join(allowed)})")
    for key in _TEXTS:
        if not isinstance(getattr(found, key), str):
            raise BadInput(f"{where}: {key} is {getattr(found, key)!r} (allowed: text)")
    _check_numbers(found, where)


def _check_numbers(found: Quantity, where: str) -> None:
    for key in ("low", "high"):
        value = getattr(found, key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise BadInput(f"{where}: {key} is {value!r} (allowed: a number, or none)")
    for key in ("order", "decimals"):
        value = getattr(found, key)
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole and not (key == "decimals" and value is None):
            raise BadInput(f"{where}: {key} is {value!r} (allowed: a whole number)")
    if found.decimals is not None and not 0 <= found.decimals <= 12:
        raise BadInput(f"{where}: decimals is {found.decimals} (allowed: 0 to 12)")
    for field in fields(found):
        if field.type == "bool" and not isinstance(getattr(found, field.name), bool):
            raise BadInput(f"{where}: {field.name} is {getattr(found, field.name)!r} (allowed: true or false)")
