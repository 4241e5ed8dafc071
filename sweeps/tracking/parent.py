"""The parent run of a study: its progress over time, its files, its end."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sweeps.folder.paths import FRONT
from sweeps.folder.provenance import installed, provenance
from sweeps.tracking.about import NOTHING, About, finished_text
from sweeps.tracking.entry import Images, finite

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput
    from mlflow.tracking import MlflowClient

_DIGEST = 36
"""Characters that MLflow keeps of a dataset's digest."""
_BATCH = 1000
"""Metrics that MLflow takes in one call."""


@dataclass(frozen=True)
class ProgressRow:
    """Numbers about a sweep at one moment.

    Attributes:
        metrics: name -> value; what is not finite is not sent.
        step: trials that had ended.
        when: seconds since the epoch.
        tags: what is stated about the numbers, for example the reference point of a hypervolume.
    """

    metrics: Mapping[str, object]
    step: int
    when: float
    tags: Mapping[str, str] = field(default_factory=dict)


class ParentRun:
    """Speaks to one run; every method may raise what MLflow raises."""

    def __init__(self, client: MlflowClient, run_id: str, about: About = NOTHING) -> None:
        self._client, self._run_id, self._about = client, run_id, about
        self._described = False
        self._held: dict[tuple[str, int], float] | None = None

    def describe(self, front: Path | None = None) -> None:
        """Say what the study is: its description anew each time, parameters and images as they were when it began.

        MLflow never lets a parameter change; a study whose file changed has the present one in its description.

        Args:
            front: ``front.csv`` of a sweep that ended.
        """
        from mlflow.entities import Param, RunTag

        if not self._about.text:
            return
        run = self._client.get_run(self._run_id)
        text = self._about.text
        if front is not None:
            text = finished_text(self._about, front, str(run.info.experiment_id), self._run_id)
        params = [Param(name, str(value)) for name, value in self._about.parameters.items() if name not in run.data.params]
        self._client.log_batch(self._run_id, params=params, tags=[RunTag("mlflow.note.content", text)])
        if self._about.images is not None and not (run.inputs and run.inputs.dataset_inputs):
            self._client.log_inputs(self._run_id, [as_input(self._about.images)])

    def send_progress(self, rows: Sequence[ProgressRow]) -> None:
        """Log what the run does not hold already: a study that is run again has no doubled points."""
        from mlflow.entities import Metric, RunTag

        if not self._described:
            self.describe()
            self._described = True
        held = self._points()
        points = []
        tags: dict[str, str] = {}
        for row in rows:
            tags |= row.tags
            for name, value in row.metrics.items():
                number = finite(value)
                if number is not None and held.get((name, row.step)) != number:
                    held[name, row.step] = number
                    points.append(Metric(name, number, int(1000 * row.when), row.step))
        for first in range(0, max(1, len(points)), _BATCH):
            known = [RunTag(name, value) for name, value in tags.items()] if first == 0 else []
            if points or known:
                self._client.log_batch(self._run_id, metrics=points[first : first + _BATCH], tags=known)

    def _points(self) -> dict[tuple[str, int], float]:
        """Return every point that the run holds, read once."""
        if self._held is None:
            found: dict[tuple[str, int], float] = {}
            for name in self._client.get_run(self._run_id).data.metrics:
                for metric in sorted(self._client.get_metric_history(self._run_id, name), key=lambda each: each.timestamp):
                    found[name, metric.step] = metric.value
            self._held = found
        return self._held

    def end(self, status: str, artifacts: Sequence[Path]) -> None:
        """Store files and folders with the run, and what it ran on; then end it."""
        self._client.log_dict(self._run_id, {**provenance(), "installed": installed()}, "environment.json")
        for path in artifacts:
            if path.is_dir():
                self._client.log_artifacts(self._run_id, str(path), artifact_path=path.name)
            elif path.is_file():
                self._client.log_artifact(self._run_id, str(path))
        self.describe(next((path for path in artifacts if path.name == FRONT), None))
        self._client.set_terminated(self._run_id, status=status)


def as_input(images: Images) -> DatasetInput:
    """Return images as MLflow lists them among the inputs of a run."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    profile = json.dumps(dict(images.profile), sort_keys=True)
    dataset = Dataset(images.name, images.digest[:_DIGEST], "prunefront", images.source, profile=profile)
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training and evaluation")])
