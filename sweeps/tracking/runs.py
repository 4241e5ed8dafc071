"""One study's runs in MLflow, spoken to in plain blocking calls: what `sweeps.tracking.tracker` does in its thread.

A study is found again by the tag ``prunefront.study_uid`` (kept in the output folder), a trial by ``prunefront.key``.
Whatever a killed driver or a slow server left behind (open runs, doubled runs) is put right by `StudyRuns.connect`.
"""

from __future__ import annotations

import time
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from prune_core.base.trial_folder import CORRUPTIONS
from sweeps.tracking.database import bring_here, prepare_database
from sweeps.tracking.entry import FREQUENCY, ON_FRONT, RUN_STATUS, Held, Point, TrialEntry, newer_points
from sweeps.tracking.own_file import HeldRun, RunNews, own_file
from sweeps.tracking.parent import ParentRun, as_input
from sweeps.tracking.place import Place, check_artifacts, quieten_loggers, quieten_mlflow

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

PARENT_TAG = "mlflow.parentRunId"
LARGEST_BATCH = 900
"""Metrics in one call: MLflow takes 1,000 entries, parameters and tags with them."""
_ENDED = frozenset(RUN_STATUS.values())
_DIGEST = "prunefront.digest"
_LOOKED_AT = ("prunefront.key", PARENT_TAG, _DIGEST, ON_FRONT)
"""Tags that say which trial a run is of, and whether it is up to date."""
_RETIRED = ""
"""The digest of a run whose trial is not in the study any more; one that comes back is sent anew."""


@dataclass
class KnownRun:
    """What is known of a child run: its id, what it was told last, and whether it was ended."""

    run_id: str
    digest: str | None
    ended: bool
    params: Mapping[str, str] | None = field(default_factory=dict)
    """None where they have not been read."""
    fresh: bool = False
    name: str = ""
    on_front: bool = False


class StudyRuns:
    """The parent run of a study and its children; every method may raise what MLflow raises."""

    def __init__(self, place: Place) -> None:
        quieten_mlflow()
        from mlflow.tracking import MlflowClient

        quieten_loggers()
        self.place = place
        prepare_database(place.uri, own=place.artifacts is not None)
        if place.artifacts is not None:
            bring_here(place.uri, place.experiment, place.artifacts)
        self.client: MlflowClient = MlflowClient(tracking_uri=place.uri)
        self.experiment_id = self._experiment()
        self.parent_id = self._parent()
        self.parent = ParentRun(self.client, self.parent_id, place.about)
        self._file = own_file(place, self.experiment_id)
        self.runs: dict[str, KnownRun] = {}
        self._load_children()

    def _experiment(self) -> str:
        """Return the experiment's id, made if it is not there."""
        from mlflow.exceptions import MlflowException

        there = self.client.get_experiment_by_name(self.place.experiment)
        if there is not None and there.lifecycle_stage != "active":
            raise MlflowException(f"experiment {self.place.experiment!r} is deleted: restore it, or name another one")
        if there is not None:
            self._check_place(str(there.artifact_location))
            return str(there.experiment_id)
        location = self.place.artifacts.absolute().as_uri() if self.place.artifacts else None
        # The page opens on model training then, not on traces of language models.
        tags = {"mlflow.experimentKind": "custom_model_development"}
        return str(self.client.create_experiment(self.place.experiment, artifact_location=location, tags=tags))

    def _check_place(self, location: str) -> None:
        if self.place.artifacts is not None:
            check_artifacts(location, self.place.artifacts)

    def _search(self, role: str) -> list[Any]:
        """Return this study's live runs of one role, oldest first."""
        condition = f"tags.`prunefront.study_uid` = '{self.place.study_uid}' AND tags.`prunefront.role` = '{role}'"
        found: list[Any] = []
        token = None
        while True:
            page = self.client.search_runs(
                [self.experiment_id], condition, max_results=1000, order_by=["start_time ASC"], page_token=token
            )
            found += page
            for run in page:
                self._check_place(str(run.info.artifact_uri))
            token = page.token
            if not token:
                return found

    def _parent(self) -> str:
        """Return the parent run's id, made or taken up again; doubles (a create that timed out) are deleted."""
        parents = self._search("study")
        tags = {**self.place.common_tags(), "prunefront.role": "study"}
        for double in parents[1:]:
            self.client.delete_run(double.info.run_id)
        if not parents:
            run = self.client.create_run(self.experiment_id, run_name=self.place.study_name, tags=tags)
            return str(run.info.run_id)
        parent = parents[0]
        self.client.update_run(parent.info.run_id, status="RUNNING", name=self.place.study_name)
        for name, value in tags.items():
            if parent.data.tags.get(name) != value:
                self.client.set_tag(parent.info.run_id, name, value)
        return str(parent.info.run_id)

    def _load_children(self) -> None:
        """Read what is there: one run per key is kept (ended ones first, then the oldest), others are deleted."""
        common = self.place.filtered_tags()
        children = self._held() if self._file is None else self._file.runs(self.place.study_uid, (*_LOOKED_AT, *common))
        children.sort(key=lambda run: run.status not in _ENDED)
        for run in children:
            self._check_place(run.artifacts)
            key = run.tags.get("prunefront.key")
            if key is None or key in self.runs:
                self.client.delete_run(run.run_id)
                continue
            if run.tags.get(PARENT_TAG) != self.parent_id:
                self.client.set_tag(run.run_id, PARENT_TAG, self.parent_id)
            ended = run.status in _ENDED
            digest = run.tags.get(_DIGEST) if ended and all(run.tags.get(name) == common[name] for name in common) else None
            if not ended:
                # The driver died while it wrote this run; the trial's own entry will put it right.
                self.client.set_terminated(run.run_id, status="KILLED")
            on_front = run.tags.get(ON_FRONT) == "true"
            self.runs[key] = KnownRun(run.run_id, digest, ended, None, name=run.name, on_front=on_front)

    def _held(self) -> list[HeldRun]:
        return [
            HeldRun(str(run.info.run_id), str(run.info.run_name), run.info.status, str(run.info.artifact_uri), run.data.tags)
            for run in self._search("trial")
        ]

    def send_many(self, entries: Sequence[TrialEntry]) -> dict[str, str]:
        """Bring the runs of these entries in line, all at once; return the ids, by key, of those that are.

        Empty where that cannot be done: the runs are kept elsewhere than in a file of our own, or MLflow has to say itself
        what it does not take.
        """
        if self._file is None:
            return {}
        found: dict[str, str] = {}
        news: list[RunNews] = []
        for entry in entries:
            points = entry.points(self.place.also)
            digest = entry.digest(self.place.also, points)
            known = self.runs.get(entry.key)
            if known is not None and known.digest == digest:
                found[entry.key] = known.run_id
                continue
            each = RunNews(None if known is None else known.run_id, entry, points, self._trial_tags(entry, digest))
            news += [each] if each.plain else []
        ids = self._file.write(news, self.place.common_tags()["mlflow.user"]) if news else []
        for run_id, each in zip(ids, news, strict=True):
            self._know(run_id, each.entry, each.tags[_DIGEST])
            found[each.entry.key] = run_id
        return found

    def _know(self, run_id: str, entry: TrialEntry, digest: str) -> None:
        params = {name: str(value) for name, value in entry.params.items()}
        on_front = entry.tags.get(ON_FRONT) == "true"
        self.runs[entry.key] = KnownRun(run_id, digest, True, params, name=entry.name, on_front=on_front)

    def send_trial(self, entry: TrialEntry) -> str:
        """Bring the run of one trial in line with its entry and return its id; does nothing where it is already."""
        also = self.place.also
        digest = entry.digest(also)
        known = self.runs.get(entry.key)
        if known is not None and known.digest == digest:
            return known.run_id
        started = int(1000 * (entry.started if entry.started is not None else time.time()))
        tags = self._trial_tags(entry, digest)
        if known is None:
            run = self.client.create_run(self.experiment_id, start_time=started, tags=tags, run_name=entry.name)
            known = self.runs[entry.key] = KnownRun(str(run.info.run_id), None, ended=False, fresh=True)
            tags = {}
            self._send_images(known.run_id, entry)
        elif known.name != entry.name:
            self.client.update_run(known.run_id, name=entry.name)
        self._send_numbers(known, entry, tags)
        self._send_files(known.run_id, entry)
        ended = int(1000 * entry.ended) if entry.ended is not None else None
        self.client.set_terminated(known.run_id, status=RUN_STATUS[entry.status], end_time=ended)
        self._know(known.run_id, entry, digest)
        return known.run_id

    def retire(self, keys: Container[str]) -> None:
        """Take runs of trials that the study does not have any more off the front; they keep what they measured.

        Args:
            keys: of the study's trials.
        """
        from mlflow.entities import Metric, RunTag

        tags = {**self.place.common_tags(), ON_FRONT: "false", _DIGEST: _RETIRED}
        for key, run in self.runs.items():
            if key in keys or run.digest == _RETIRED:
                continue
            points = newer_points([], self._held_points(run.run_id, []), int(1000 * time.time()))
            self.client.log_batch(
                run.run_id,
                metrics=[Metric(name, value, at, step) for (name, step, value), at in points.items()],
                tags=[RunTag(name, value) for name, value in tags.items()],
            )
            self.runs[key] = replace(run, digest=_RETIRED, on_front=False)

    def _trial_tags(self, entry: TrialEntry, digest: str) -> dict[str, str]:
        return {
            **self.place.common_tags(),
            **({ON_FRONT: "false"} if entry.key in self.runs and self.runs[entry.key].on_front else {}),
            **{name: str(value) for name, value in entry.tags.items()},
            PARENT_TAG: self.parent_id,
            "prunefront.role": "trial",
            "prunefront.key": entry.key,
            "prunefront.status": entry.status,
            _DIGEST: digest,
            **_trouble(entry, mended=entry.key in self.runs),
        }

    def _send_numbers(self, known: KnownRun, entry: TrialEntry, tags: Mapping[str, str]) -> None:
        """Log parameters, metrics and tags in one batch (23 ms against 157 ms for one call per value)."""
        from mlflow.entities import Metric, Param, RunTag

        now = int(1000 * (entry.ended if entry.ended is not None else time.time()))
        points = dict.fromkeys(entry.points(self.place.also), now)
        there = known.params
        if not known.fresh:
            points = newer_points(points, self._held_points(known.run_id, points), now, entry)
        if there is None:
            there = self.client.get_run(known.run_id).data.params
        metrics = [Metric(name, value, at, step) for (name, step, value), at in points.items()]
        for first in range(LARGEST_BATCH, len(metrics), LARGEST_BATCH):  # the curve of a very long training
            self.client.log_batch(known.run_id, metrics=metrics[first : first + LARGEST_BATCH])
        self.client.log_batch(
            known.run_id,
            metrics=metrics[:LARGEST_BATCH],
            params=[Param(name, str(value)) for name, value in entry.params.items() if name not in there],
            tags=[RunTag(name, value) for name, value in tags.items()],
        )

    def _held_points(self, run_id: str, points: Iterable[Point]) -> Held:
        """Return what a run holds of these metrics, the last of each step."""
        held: dict[tuple[str, int], tuple[float, int]] = {}
        present = self.client.get_run(run_id).data.metrics
        for name in {FREQUENCY, *(name for name, _, _ in points)} & set(present):
            for metric in sorted(self.client.get_metric_history(run_id, name), key=lambda metric: metric.timestamp):
                held[name, metric.step] = (metric.value, metric.timestamp)
        return held

    def _send_images(self, run_id: str, entry: TrialEntry) -> None:
        """List the images among the inputs of a new run: they are part of its key, so they never change."""
        if entry.images is None:
            return
        self.client.log_inputs(run_id, [as_input(entry.images)])

    def _send_files(self, run_id: str, entry: TrialEntry) -> None:
        for path in entry.artifacts:
            if path.is_file():
                self.client.log_artifact(run_id, str(path))
        if table := entry.corruption_table():
            self.client.log_text(run_id, table, CORRUPTIONS)


def _trouble(entry: TrialEntry, *, mended: bool) -> dict[str, str]:
    """Return the tags that say what went wrong (the second is what the run's page shows as its description).

    A run that is mended keeps its tags, so they are emptied then.
    """
    if not entry.cause and not mended:
        return {}
    return {
        "prunefront.cause": entry.cause or "",
        "mlflow.note.content": f"{entry.status}: {entry.cause}" if entry.cause else "",
    }
