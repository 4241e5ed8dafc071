"""A study's folder made of seeded numbers that behave like a real study's: for tests and for looking at pages."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from prune_core.evaluation.logits import LogitSet

NETWORKS = ("small_vgg", "resnet8")
METHODS = {"unstructured": 0.35, "l1_filter": 1.0, "network_slimming": 0.8, "random_filters": 1.9}
RATIOS = ("0.3", "0.5", "0.7", "0.9")


def study(**changes: object) -> dict[str, Any]:
    """The resolved study, as far as the pages read it."""
    plain = {
        "name": "synthetic",
        "title": "Synthetic digits",
        "demonstration": True,
        "seed": 0,
        "seeds": [0, 1, 2],
        "budgets": [0, 2],
        "data": {"name": "mnist5k", "validation": 1000, "test": 1000},
        "objectives": {"accuracy": "max", "ece": "min", "mpc": "max", "nonzero_parameters": "min"},
        "evaluation": {"corruptions": "generated", "images_per_cell": 100, "ece_bins": 15},
        "select_on": "validation",
        "limits": ["accuracy >= 0.9"],
    }
    return plain | changes


def _metrics(stream, damage: float, tuned: bool, wide: float) -> dict[str, float]:
    accuracy = 0.1 + 0.875 / (1 + np.exp(4.0 * (damage - (2.4 if tuned else 1.3)))) + stream.normal(0, 0.003)
    mpc = accuracy * (0.80 - 0.06 * damage) + stream.normal(0, 0.006)
    ece = max(0.004, 0.012 + 0.02 * damage * (0.5 if tuned else 1.4) + stream.normal(0, 0.003))
    nll = 0.08 + 2.1 * (0.985 - accuracy) + stream.normal(0, 0.005)
    row = {
        "accuracy": accuracy,
        "ece": ece,
        "ece_mass": ece * 0.97,
        "ece_debiased": max(0.0, ece - 0.004),
        "nll": nll,
        "brier": 0.03 + 1.3 * (0.985 - accuracy),
        "mean_confidence": accuracy + ece,
        "temperature": 1.2,
        "ece_t": ece * 0.6,
        "nll_t": nll * 0.95,
        "mpc": mpc,
        "rpc": mpc / accuracy,
        "corruption_ece": ece + 0.09,
        "worst_corruption_accuracy": mpc - 0.25,
    }
    for severity in range(1, 6):
        row[f"mpc_s{severity}"] = mpc + 0.05 * (3 - severity)
        row[f"corruption_ece_s{severity}"] = ece + 0.03 * severity
    return {name: float(value) * wide for name, value in row.items()}


def _record(stream, network, method, ratio, seed, budget, damage, compression) -> dict[str, Any]:
    dense = 6_200 if network == "small_vgg" else 19_400
    whole = method in ("unstructured", "baseline", "control")
    stored = dense if whole else round(dense / compression)
    key = hashlib.sha256(f"{network}-{method}-{ratio}-{seed}".encode()).hexdigest()[:16]
    row = {
        "key": key,
        "study": "synthetic",
        "arm": network if method in ("baseline", "control") else f"{network}-{method}",
        "network": network,
        "method": method,
        "ratio": float(ratio),
        "seed": seed,
        "budget": budget,
        "status": "complete",
        "cause": None,
        "worst_corruption": "fog",
        "corruption_set": "CIFAR-10-C (regenerated, seed 0)",
        "train_accuracy": 0.99,
        "train_nll": 0.03,
        "parameters": stored,
        "nonzero_parameters": round(dense / compression),
        "macs": 40 * stored,
        "nonzero_macs": round(40 * dense / compression),
        "sparsity": 1 - 1 / compression,
        "compression": compression,
        "size_bytes": 600 + 4 * stored + (dense // 8 if method == "unstructured" else 0),  # the mask is in the file
        "train_seconds": 1.5 * budget,
        "evaluate_seconds": 2.0,
        "mlflow_run_id": f"run{key}",
    }
    report = _metrics(stream, damage, budget > 0, 1.0)
    chosen = {
        f"val_{name}": value + stream.normal(0, 0.002) for name, value in report.items() if not name[:-1].endswith("_s")
    }
    return row | report | chosen


def records(seeds=(0, 1, 2), budgets=(0, 2), networks=NETWORKS, methods=METHODS) -> pd.DataFrame:
    """The table of records: baseline, control, every method at every ratio; one trial failed, one diverged."""
    stream = np.random.default_rng(7)
    rows = []
    for network in networks:
        for seed in seeds:
            rows.append(_record(stream, network, "baseline", "0", seed, 0, 0.0, 1.0))
            for budget in budgets:
                rows.append(_record(stream, network, "control", "0", seed, budget, 0.0, 1.0))
                for method, harm in methods.items():
                    for ratio in RATIOS:
                        share = float(ratio) if method == "unstructured" else 1 - (1 - float(ratio)) ** 1.7
                        damage = harm * (1.6 * float(ratio) ** 1.6)
                        rows.append(_record(stream, network, method, ratio, seed, budget, damage, 1 / (1.02 - share)))
    table = pd.DataFrame(rows)
    table = _with_deltas(table)
    return _with_failures(table)


def _with_deltas(table: pd.DataFrame) -> pd.DataFrame:
    control = table[table["method"] == "control"].set_index(["network", "seed", "budget"])
    index = pd.MultiIndex.from_frame(table[["network", "seed", "budget"]])
    for name in ("accuracy", "ece", "nll", "mpc", "val_accuracy", "val_ece", "val_mpc"):
        table[f"delta_{name}"] = table[name].to_numpy() - control[name].reindex(index).to_numpy()
    return table


def _with_failures(table: pd.DataFrame) -> pd.DataFrame:
    numbers = table.select_dtypes("float").columns.drop("ratio")
    for status, cause, method in (
        ("failed", "RuntimeError: out of memory <b>", "network_slimming"),
        ("diverged", "loss is not finite in epoch 2", "random_filters"),
    ):
        at = (table["method"] == method) & (table["ratio"] == 0.9) & (table["seed"] == 2) & (table["network"] == "resnet8")
        table.loc[at, numbers] = np.nan
        table.loc[at, "status"] = status
        table.loc[at, "cause"] = cause
    return table


def write(out: Path, table: pd.DataFrame | None = None, **changes: object) -> Path:
    """Write study.yaml and, if there is a table, records.parquet; return the folder."""
    out.mkdir(parents=True, exist_ok=True)
    plain = {**study(**changes), "provenance": {}}
    (out / "study.yaml").write_text(yaml.safe_dump(plain, sort_keys=False), encoding="utf-8")
    if table is not None:
        table.to_parquet(out / "records.parquet", index=False)
    return out


def write_logits(out: Path, table: pd.DataFrame, network: str = "small_vgg", budget: int = 2) -> None:
    """Write the report logits of one network's trials at one budget: as accurate as their record says, on 60 images."""
    labels = np.arange(60) % 10
    rows: Iterable[Any] = table[
        (table["network"] == network) & (table["budget"] == budget) & (table["status"] == "complete")
    ].itertuples()
    for row in rows:
        stream = np.random.default_rng(int(row.key[:8], 16))
        cells = {name: _logits(stream, labels[:20], row.mpc, 5).astype(np.float16) for name in ("fog", "snow")}
        folder = out / "trials" / row.key / f"budget-{budget:04d}"
        folder.mkdir(parents=True, exist_ok=True)
        LogitSet(labels, _logits(stream, labels, row.accuracy, 1)[0], cells, np.arange(20)).save(folder / "report.npz")
        LogitSet(labels, _logits(stream, labels, row.val_accuracy, 1)[0], {}, np.arange(0)).save(folder / "selection.npz")


def _logits(stream, labels, accuracy: float, severities: int) -> np.ndarray:
    logits = stream.normal(0, 1, (severities, len(labels), 10)).astype(np.float32)
    right = stream.random((severities, len(labels))) < accuracy
    chosen = np.where(right, labels, (labels + 1) % 10)
    np.put_along_axis(logits, chosen[..., None], 6.0, axis=2)
    return logits
