"""What a GPU adds to a trial's description, and what a CPU's does not say."""

from __future__ import annotations

from pathlib import Path

from prune_core.evaluation.batch_size import BATCH_SIZE
from sweeps.plan.plan import make_plan
from sweeps.study.model import load_study

STUDY = """
name: mine
data: {name: digits, validation: 100, test: 200, train: 1000}
networks: {small_vgg: {options: {width: 4}}}
arms: [{methods: [unstructured]}]
training: {epochs: 3}
ratios: [0.5]
budgets: [0, 2]
seeds: [0]
"""


def evaluations(folder: Path, *overrides: str) -> list[dict[str, object]]:
    (folder / "mine.yaml").write_text(STUDY, encoding="utf-8")
    return [
        trial.description.evaluation.to_plain() for trial in make_plan(load_study(folder / "mine.yaml", overrides)).trials
    ]


def test_the_batch_size_of_an_evaluation_is_named_on_a_gpu_alone(tmp_path: Path) -> None:
    for evaluation in evaluations(tmp_path):
        assert "batch_size" not in evaluation
    for evaluation in evaluations(tmp_path, "resources={device: cuda}"):
        assert evaluation["batch_size"] == BATCH_SIZE["cuda"]
