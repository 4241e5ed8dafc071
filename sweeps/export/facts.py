"""What a card says, gathered as plain data: what the network is, costs and does, and how sure each number is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from prune_core.base.benchmark import corruptions_in_words
from prune_core.base.kinds import UNPRUNED
from prune_core.base.trial_folder import REPORT, read_record
from prune_core.evaluation.logits import LogitSet
from prune_core.evaluation.scoring import record_columns
from prune_core.evaluation.uncertainty import intervals
from prune_core.metrics.columns import metric_columns
from prune_core.metrics.quantities import costs_known
from prune_core.pruning.normalisation import Normalisation, input_facts
from prune_core.trial.data import TrialData, corruption_label
from prune_core.trial.description import EvaluationDescription
from sweeps.export.choice import Choice, spread_columns
from sweeps.export.files import OUTPUT
from sweeps.folder.provenance import provenance
from sweeps.front.limits import Verdict, verdicts
from sweeps.front.seed_differences import SEEDS_DIFFER_IN
from sweeps.study.images import images_of
from sweeps.study.model import Study

CARD_FORMAT = 1
SIZE = "size_bytes"
"""The cost that a file that ships may differ in from what was judged."""


def card_facts(
    study: Study, study_commit: str | None, choice: Choice, data: TrialData, evaluation: EvaluationDescription
) -> dict[str, Any]:
    """Return everything about a checkpoint but its files: plain data for ``card.json``.

    Args:
        study: the study.
        study_commit: the commit of the code that ran it.
        choice: the network.
        data: the study's images.
        evaluation: that section of the trial's description.
    """
    record = record_of(choice)
    return {
        "card_format": CARD_FORMAT,
        "name": choice.name,
        "title": choice.title,
        "study": {
            "name": study.name,
            "title": study.title,
            "commit": study_commit,
            "select_on": study.select_on,
            "demonstration": study.demonstration,
            "plugins": list(study.plugins),
        },
        "exported_with": provenance(),
        "network": {name: _plain(choice.record[name]) for name in ("network", "arm", "method", "ratio", "budget", "seed")},
        "checkpoint": {
            "trial": str(choice.record["key"]),
            "seed": int(choice.record["seed"]),
            "chosen": choice.seed_rule,
            "mlflow_run_id": _plain(choice.record.get("mlflow_run_id")),
            "metrics": _metrics(record),
            "differences": _differences(choice),
            "intervals": report_intervals(choice, study.evaluation.ece_bins),
        },
        "candidate": _candidate(choice),
        "costs": {one.name: _plain(record.get(one.name)) for one in costs_known() if one.repeatable},
        "limits": limit_facts(study, choice, record, {}),
        "images": _images(study, data, evaluation),
        "input": input_facts(data.input_shape, Normalisation(data.dataset.mean, data.dataset.std)),
        "output": {
            "name": OUTPUT,
            "shape": ["batch", len(data.dataset.classes)],
            "dtype": "float32",
            "what": "logits",
            "classes": list(data.dataset.classes),
        },
    }


def record_of(choice: Choice) -> dict[str, Any]:
    """Return the columns of the checkpoint's record, those that only its folder holds included."""
    return {**choice.record, **(read_record(choice.trial, choice.budget) or {})}


def int8_facts(
    selection: LogitSet | None, report: LogitSet | None, study: Study, calibration: int, costs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the metrics of the INT8 file, measured on that file, with their intervals and the study's limits."""
    bins = study.evaluation.ece_bins
    metrics = _metrics(record_columns(selection=selection, report=report, train=None, bins=bins))
    return {
        "scheme": "onnxruntime static quantisation, QDQ; weights int8 per channel (7 bits used), activations uint8, min-max",
        "calibration_images": calibration,
        "metrics": metrics,
        "intervals": {} if report is None else _intervals(report, bins),
        "limits": [
            {"limit": str(one.limit), "checkpoint": _plain_verdict(one)}
            for one in verdicts({**costs, **metrics}, study.parsed_limits, study.select_on)
        ],
    }


def limit_facts(study: Study, choice: Choice, record: Mapping[str, Any], sizes: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return each limit with what the candidate's means, this checkpoint and its report numbers say about it.

    A limit on the size of the file is judged on the files that ship, each by its own length.

    Args:
        study: the study.
        choice: the network.
        record: its columns.
        sizes: float32 file -> bytes; none before they are written: then the record's ``size_bytes`` is taken.
    """
    evaluation = study.evaluation.model_dump(mode="json")
    shipped = {**record, SIZE: next(iter(sizes.values()))} if sizes else record
    candidate = verdicts(choice.candidate, study.parsed_limits, study.select_on)
    own = verdicts(shipped, study.parsed_limits, study.select_on)
    found = []
    for theirs, one in zip(candidate, own, strict=True):
        files = {name: one.limit.holds(size) for name, size in sizes.items()} if one.column == SIZE else {}
        found.append(
            {
                "limit": str(one.limit),
                "images": images_of(one.column, evaluation),
                "candidate": _plain_verdict(theirs),
                "checkpoint": _plain_verdict(one),
                "report": _report_verdict(one, evaluation),
                "files": files,
            }
        )
    return found


def report_intervals(choice: Choice, bins: int) -> dict[str, list[float]]:
    """Return 95 % intervals over report images of the chosen checkpoint, from its kept logits; empty where they are gone."""
    path = choice.folder / REPORT
    return _intervals(LogitSet.load(path), bins) if path.exists() else {}


def _intervals(logits: LogitSet, bins: int) -> dict[str, list[float]]:
    if len(logits.labels) < 2:
        return {}
    return {name: [each.low, each.high] for name, each in intervals(logits, bins=bins).items()}


def _candidate(choice: Choice) -> dict[str, Any]:
    row = choice.candidate
    spread = {
        name: {"mean": _plain(row[name]), "std": _plain(row.get(f"{name}_std"))}
        for name in spread_columns()
        if name in row and _plain(row[name]) is not None
    }
    return {
        "on_front": choice.on_front,
        "front_frequency": _plain(row["front_frequency"]),
        "seeds": int(row["seeds"]),
        "seeds_differ_in": _plain(row.get(SEEDS_DIFFER_IN)),
        "limits_missed": list(choice.limits),
        "accuracy_lost": _plain(row.get("accuracy_lost")),
        "collapsed": bool(row.get("collapsed", False)),
        "metrics": spread,
    }


def _differences(choice: Choice) -> dict[str, float]:
    """Return metric minus that of the control of the same seed and budget; empty where a network is its own measure."""
    if choice.record["method"] in UNPRUNED:
        return {}
    found = {name: _plain(choice.record.get(f"delta_{name}")) for name in spread_columns()}
    return {name: value for name, value in found.items() if value is not None}


def _plain_verdict(one: Verdict) -> dict[str, Any]:
    return {"met": one.met, "why_not": None if one.met else one.why_not}


def _report_verdict(one: Verdict, evaluation: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the report number of the same metric says; None where there is none, or where it decides itself."""
    if one.report_column is None or one.report_measured is None:
        return None
    met = one.limit.holds(one.report_measured)
    return {"met": met, "says": one.report_words, "images": images_of(one.report_column, evaluation)}


def _images(study: Study, data: TrialData, evaluation: EvaluationDescription) -> dict[str, Any]:
    label = corruption_label(data.dataset, evaluation)
    return {
        "data": data.dataset.title,
        "licence": data.dataset.licence,
        "source": data.dataset.source,
        "checksum": data.dataset.checksum,
        "training": len(data.split.train.labels),
        "selection": len(data.split.validation.labels),
        "report": len(data.split.test.labels),
        "corruptions": label,
        "selection_corruptions": None if label is None else corruptions_in_words(evaluation.selection_corruptions),
        "images_per_cell": None if label is None else min(evaluation.images_per_cell, len(data.split.test.labels)),
        "ece_bins": study.evaluation.ece_bins,
    }


def _metrics(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metric columns alone, ``train_*`` and ``val_*`` included, without those that were not measured."""
    return {name: value for name in metric_columns() if (value := _plain(record.get(name))) is not None}


def _plain(value: Any) -> Any:
    """Return a value as JSON takes it: NumPy's and pandas' scalars as Python's, what is missing as None."""
    if value is None or isinstance(value, str | bool | int):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return (int(number) if type(value).__name__.startswith("int") else number) if math.isfinite(number) else None
