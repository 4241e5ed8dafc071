"""What the missing part of a plan costs: a short calibration on this machine, corrected by what has run already."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from prune_core.base.files import read_json
from prune_core.base.trial_folder import finished_budgets, read_record
from sweeps.cost.books import book_bytes
from sweeps.cost.shared_epochs import epochs_to_train, expected_epochs
from sweeps.cost.sizes import Sizes, judged_images, logit_bytes
from sweeps.folder.paths import ASKED, trial_folder, trial_folders
from sweeps.plan.places import places
from sweeps.plan.plan import candidate_trials
from sweeps.plan.state import baseline_ready

if TYPE_CHECKING:
    from sweeps.plan.plan import Plan
    from sweeps.plan.trials import PlannedTrial

WORKER_SECONDS = 3.0
"""Per place where trials run, once: a new process imports torch."""
TRIAL_SECONDS = 0.2
"""Per trial beside training and judging: handing it out, pruning, verifying, writing down."""
RECORD_SECONDS = 0.1
"""Per record beside the forward passes: metrics, saving and loading the network."""
RECORD_BYTES = 28_000
"""Per record beside weights and logits: metrics, resampled metrics, the network's description and proof."""
START_SECONDS = 20.0
"""Once: Ray, the books, the report."""
CORRUPTED_PER_SECOND = 10_000.0
"""Images that one core corrupts per second, once per study (10,000 images times 75 took 62 s)."""
PROCESS_BYTES = 600 << 20
"""A worker with torch imported, before it has a network."""


NOT_HERE = "not here"
"""In place of a device: the study asks for one that this machine does not have."""


@dataclass(frozen=True)
class Speed:
    """How fast one network is here, with the study's threads.

    Attributes:
        train: images per second in training.
        judge: images per second forward.
        parameters: of the network.
        activation_bytes: that one training batch keeps.
        macs: multiply-accumulates of one image forward.
        device: where it was measured, ``cpu`` or ``gpu``; `NOT_HERE` where it was not: then only the speeds of networks to
            each other say something, one multiply-accumulate as fast as another.
    """

    train: float
    judge: float
    parameters: int
    activation_bytes: int
    macs: int = 0
    device: str = "cpu"


@dataclass(frozen=True)
class Cost:
    """What the missing trials cost.

    Attributes:
        device_seconds: summed over trials.
        wall_seconds: with as many trials at a time as fit.
        disk_bytes: that the trials write; `keep` takes some of it away when the study is done.
        trial_bytes: memory of the largest trial.
        concurrency: trials at a time.
        measured: how many finished trials corrected the calibration.
        device: what the seconds are of, ``cpu``, ``gpu``, or `NOT_HERE` while nothing that has finished says how fast it is.
        macs: multiply-accumulates of training and judging; a training step counts as three forward passes.
        book_bytes: that report, tables and MLflow take besides (`sweeps.cost.books`).
    """

    device_seconds: float
    wall_seconds: float
    disk_bytes: int
    trial_bytes: int
    concurrency: int
    measured: int
    device: str
    macs: float
    book_bytes: int = 0


def cost_of(plan: Plan, out: Path, speeds: Mapping[str, Speed], sizes: Sizes, decided: Sequence[PlannedTrial] = ()) -> Cost:
    """Return what is still to be spent on a plan.

    Args:
        plan: with every trial that is known; what a search has yet to choose is counted by the mean over its space.
        out: the output folder, with what is there already.
        speeds: by network label; trials of networks that are not in it are left out.
        sizes: how many images there are of each kind.
        decided: the trials of extra seeds that the study has decided on; its search did not choose them.
    """
    missing = [trial for trial in plan.missing(out) if trial.network in speeds]
    factor, measured = _correction(plan, out, speeds, sizes)
    seconds = sum(_seconds(plan, trial, out, speeds[trial.network], sizes) for trial in missing) * factor
    records = float(sum(len(_open(trial, out)) for trial in missing))
    disk = sum(_disk(trial, out, speeds[trial.network], sizes) for trial in missing)
    count = float(len(missing))
    chosen = [each for each in _to_be_chosen(plan, out, decided) if each[0].network in speeds]
    for trial, weight, epochs in chosen:
        speed = speeds[trial.network]
        seconds += weight * _seconds(plan, trial, out, speed, sizes, epochs) * factor
        records, count = records + weight, count + weight
        disk += weight * _disk(trial, out, speed, sizes)
    seconds += count * TRIAL_SECONDS + records * RECORD_SECONDS
    if count and plan.study.evaluation.generated:
        seconds += sizes.cells / CORRUPTED_PER_SECOND
    concurrency = max(1, min(places(plan.study.resources), round(count)))
    seconds += concurrency * WORKER_SECONDS if count else 0.0
    wall = seconds / concurrency + (START_SECONDS if count else 0.0)
    memory = [_memory(speeds[trial.network]) for trial in plan.trials if trial.network in speeds]
    device = next((speed.device for speed in speeds.values()), "cpu")
    if device == NOT_HERE and measured:
        device = "gpu"
    macs = _work(plan, out, speeds, sizes, missing, chosen)
    parameters = [speed.parameters for speed in speeds.values()]
    books = book_bytes(plan.study, out, trials=count, records=records, parameters=parameters)
    return Cost(seconds, wall, round(disk), max(memory, default=0), concurrency, measured, device, macs, books)


def _work(
    plan: Plan,
    out: Path,
    speeds: Mapping[str, Speed],
    sizes: Sizes,
    missing: Iterable[PlannedTrial],
    chosen: Iterable[_Chosen],
) -> float:
    """Multiply-accumulates: the seconds on a machine that does one in a second."""
    unit = {
        label: replace(speed, train=1 / (3 * max(speed.macs, 1)), judge=1 / max(speed.macs, 1))
        for label, speed in speeds.items()
    }
    known = sum(_seconds(plan, trial, out, unit[trial.network], sizes) for trial in missing)
    return known + sum(
        weight * _seconds(plan, trial, out, unit[trial.network], sizes, epochs) for trial, weight, epochs in chosen
    )


def work_after(trial: PlannedTrial, tried: Collection[int], macs: int, sizes: Sizes) -> float:
    """Return the multiply-accumulates of what a trial lacks after it was tried at some budgets, the same on every machine.

    Args:
        trial: of a network that was trained already.
        tried: budgets at which the trial was judged before.
        macs: of one image forward.
        sizes: how many images there are of each kind.
    """
    unit = Speed(train=1 / (3 * macs), judge=1 / macs, parameters=0, activation_bytes=0)
    left = [budget for budget in trial.budgets if budget not in tried]
    epochs = epochs_to_train(left, tried if continues(trial) else ())
    return _training(trial, epochs, unit, sizes, True) + _judging(trial, left, unit, sizes)


def continues(trial: PlannedTrial) -> bool:
    """Return whether a longer budget of a trial goes on from a shorter one."""
    return trial.description.fine_tuning is None or not trial.description.fine_tuning.depends_on_length


def _open(trial: PlannedTrial, out: Path) -> list[int]:
    done = set(finished_budgets(trial_folder(out, trial.key), cells_at=trial.report_budgets))
    return [budget for budget in trial.budgets if budget not in done]


def _seconds(plan: Plan, trial: PlannedTrial, out: Path, speed: Speed, sizes: Sizes, expected: float | None = None) -> float:
    """Training, of so many epochs where that is only expected, and forward passes of what a trial still lacks."""
    to_do = _open(trial, out)
    if not to_do:
        return 0.0
    # a record without its cells is judged again, from the weights of its budget
    trained = finished_budgets(trial_folder(out, trial.key))
    to_train = [budget for budget in to_do if budget not in trained]
    ready = trial.kind in ("baseline", "dense") and baseline_ready(trial.baseline_key, out)
    epochs = epochs_to_train(to_train, trained) if expected is None else expected
    return _training(trial, epochs, speed, sizes, ready) + _judging(trial, to_do, speed, sizes)


def _training(trial: PlannedTrial, epochs: float, speed: Speed, sizes: Sizes, ready: bool) -> float:
    if trial.kind in ("baseline", "dense"):
        described = trial.description.baseline
        epochs = 0 if ready or described.checkpoint or described.training is None else described.training.epochs
    if trial.description.training is not None:  # from scratch
        epochs = trial.description.training.epochs
    return epochs * sizes.train / speed.train


def _judging(trial: PlannedTrial, budgets: Iterable[int], speed: Speed, sizes: Sizes) -> float:
    # the unpruned network is judged once; a control's budget 0 takes that over
    judged = [budget for budget in budgets if not (trial.kind == "control" and budget == 0)]
    return sum(judged_images(sizes, report_cells=each in trial.report_budgets) for each in judged) / speed.judge


def _disk(trial: PlannedTrial, out: Path, speed: Speed, sizes: Sizes) -> float:
    to_do = _open(trial, out)
    weights = 4 * speed.parameters
    state = 2 * weights if max(to_do, default=0) > 0 else 0
    logits = sum(logit_bytes(sizes, report_cells=budget in trial.report_budgets) for budget in to_do)
    return float(state + len(to_do) * (weights + RECORD_BYTES) + logits)  # `keep` takes away only when the study is done


def _memory(speed: Speed) -> int:
    # weights, gradients, momentum, and the copy that is judged
    return PROCESS_BYTES + 16 * speed.parameters + speed.activation_bytes


_Chosen: TypeAlias = "tuple[PlannedTrial, float, float | None]"
"""A trial, how many like it are to be chosen, and the epochs that each trains where that is known only on average."""


def _to_be_chosen(plan: Plan, out: Path, decided: Collection[PlannedTrial]) -> list[_Chosen]:
    """One trial per arm and budget with the number of such trials that a search is still to choose, on average.

    With early stopping one per arm that walks to its longest budget: the most that it can cost.
    """
    study = plan.study
    if study.search.kind == "grid":
        return []
    early, rate = study.search.early_stopping is not None, study.search.learning_rate
    space = sum(len(arm.ratios) * len(_walks(arm.reached(study.budgets), early)) for arm in plan.arms)
    chosen = _asked(plan, out, decided)
    wanted = study.search.candidates or space
    left = max(0.0, (wanted if rate is not None else min(wanted, space)) - chosen) * len(study.seeds)
    seeds = study.search.more_seeds
    if seeds is not None and seeds.when == "compete":  # paid with new candidates
        left = max(0.0, left - len(decided))
    samples: list[_Chosen] = []
    for arm in plan.arms:
        # budgets of one candidate are one training; with a rate to search no two candidates share it
        shared = {} if early or rate is not None else expected_epochs(arm.reached(study.budgets), min(1.0, wanted / space))
        for walk in _walks(arm.reached(study.budgets), early):
            own = {"learning_rate": rate[0]} if rate is not None and walk[-1] > 0 else {}
            trials = candidate_trials(study, arm, arm.ratios[0], own, budgets=walk, checksum=plan.checksum or "unknown")
            # a rate of its own needs a control of its own
            first = [trial for trial in trials if trial.seed == study.seeds[0]]
            samples += [(each, len(arm.ratios), shared.get(walk[-1]) if continues(each) else None) for each in first]
    return [(trial, left * ratios / space, epochs) for trial, ratios, epochs in samples]


def _asked(plan: Plan, out: Path, decided: Iterable[PlannedTrial]) -> float:
    """Return how many candidates a search has asked for; where its own list is not there, as many as trials are."""
    try:
        return float(len(read_json(out / ASKED)))
    except (FileNotFoundError, ValueError, TypeError):
        planned = {trial.key for trial in [*plan.trials, *decided]}
        return sum(1 for path in trial_folders(out) if path.name not in planned) / len(plan.study.seeds)


def _walks(budgets: tuple[int, ...], together: bool) -> list[tuple[int, ...]]:
    return [budgets] if together and budgets else [(budget,) for budget in budgets]


def _correction(plan: Plan, out: Path, speeds: Mapping[str, Speed], sizes: Sizes) -> tuple[float, int]:
    """Measured over calculated seconds of the trials that are there; 1 where there are none."""
    measured = calculated = 0.0
    count = 0
    for trial in plan.trials:
        folder = trial_folder(out, trial.key)
        records = [record for budget in trial.budgets if (record := read_record(folder, budget)) is not None]
        if not records or trial.network not in speeds or _open(trial, out) or trial.kind == "control":
            continue
        count += 1
        measured += max(record["train_seconds"] for record in records) + sum(
            record["evaluate_seconds"] for record in records
        )
        speed = speeds[trial.network]
        calculated += _training(trial, max(trial.budgets), speed, sizes, False) + _judging(
            trial, trial.budgets, speed, sizes
        )
    return (measured / calculated, count) if calculated > 0 else (1.0, 0)
