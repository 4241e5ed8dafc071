"""The files of a study's output folder: one truth about their names, for who writes and who reads.

The names are a promise to users, and to studies of earlier versions. What lies in a trial's own folder is named in
`prune_core.base.trial_folder`, besides the few files that the sweep puts there, which are below.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

STUDY = "study.yaml"
"""The resolved study, with versions and the commit."""
COLUMNS = "columns.json"
"""The metrics and costs of the run that wrote the tables, so that pages need no plugin."""
TRIALS = "trials"
"""A folder per trial, named by its key: the truth, from which all tables can be made again."""
RECORDS = "records.parquet"
"""The table of records; one row per trial and budget."""
RECORDS_CSV = "records.csv"
"""The same for spreadsheets, floats with 10 digits."""
FRONT = "front.csv"
"""The candidates on the front."""
REPORT_FOLDER = "report"
"""The report's folder: `REPORT_PAGE`, `FIGURES`, `REPORT_TABLES`."""
REPORT_PAGE = "index.html"
FIGURES = "figures"
REPORT_TABLES = "tables"
MODELS = "models"
"""The exported networks, a folder each."""

MLFLOW_DATABASE = "mlflow.db"
MLFLOW_ARTIFACTS = "mlartifacts"
OPTUNA_DATABASE = "optuna.db"
"""The three are there unless the study names other places."""

PLANNED = "planned.json"
"""What the last run planned, so that who reads the folder builds no network, and needs no code of plugins."""
ASKED = "search.json"
"""The candidates that a search has asked for, by key: which trials belong to the study is known from here."""
OUTLOOK = "outlook.json"
"""What the search expected of going on when it last chose a candidate."""
MORE_SEEDS = "more_seeds.json"
"""Which candidates get the extra seeds, and why."""
GPU_SHARES = "gpu_shares.json"
"""Which share of a GPU each network's trials get, with what was measured (``gpus_per_trial: auto``)."""
IDENTITY = "tracking.json"
"""Who the study is in shared books, whatever it is called and wherever it lies."""
TRACKED_FRONT = "tracking_front.json"
"""Which front is in MLflow already, so that a start which finds nothing new spends nothing on it."""
JOURNAL = "progress.jsonl"
"""The progress of the sweep, a line per moment, for MLflow."""
STORAGE = "storage.json"
"""The folder's identity in the object storage."""

PLACES = "places.json"
"""The places for trials that there are while a sweep runs: per node, filled and free, and why nothing starts."""
ANSWERS = ".answers.json"
"""What ``status`` says of the table of records, so that a finished folder is read without it."""
TABLES = ".tables.json"
"""What `FRONT` was made of, so that a run which finds nothing new does not make it anew."""
REPORTED = ".report.json"
"""What the report was made of, so that a run knows whether it says what the tables say."""

DRIVER = ".driver.json"
"""Who drives the folder: host, process, since, heartbeat."""
DRIVER_LOCK = ".driver.lock"
STOP = ".stop"
"""There while the running sweep is asked to stop; workers on every node look for it."""
TUNE = ".tune"
"""Ray Tune's own state, which nobody reads again."""

STORED = "stored.json"
"""In the folder of a budget: file -> {place, path, sha256} of what lies on object storage."""
WHERE = "where.json"
"""In a trial's folder: the node and process that took it last, since when, and the GPUs that it was given."""
LOG = "log.txt"
"""In a trial's folder: who took it when, what it printed, how it ended; one run after the other."""
HANG = "hang.txt"
"""In a trial's folder while it runs: empty, or where every thread was when the trial was silent for too long."""
HUNG = "hung.txt"
"""What became of `HANG` once the hang is recorded as the trial's outcome."""

_STORE = ".store"


def trials_folder(out: Path) -> Path:
    """Return the folder of the trials' folders."""
    return out / TRIALS


@lru_cache(maxsize=50_000)
def trial_folder(out: Path, key: str) -> Path:
    """Return where a trial writes."""
    return trials_folder(out) / key


def trial_folders(out: Path) -> list[Path]:
    """Return the trials' folders that are there, by key; also of trials that the study no longer asks for."""
    return sorted(path for path in trials_folder(out).glob("*") if path.is_dir())


def store_folder(out: Path) -> Path:
    """Return the store of baselines that the output folders beside this one share."""
    return out.parent / _STORE


def report_page(out: Path) -> Path:
    """Return the report's page."""
    return out / REPORT_FOLDER / REPORT_PAGE
