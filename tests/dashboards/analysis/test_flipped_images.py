"""Flipped images against the kept logits, by hand; and the ECE that fell because everything fell."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from dashboards.analysis.flipped_images import flipped_sentences, flipped_table, flips
from dashboards.analysis.points import candidate_points, fell_together, rows_of
from dashboards.reading.study_folder import read_study_folder
from prune_core.evaluation.logits import LogitSet


def test_every_flipped_image_is_listed_with_what_it_means(study_folder):
    study = read_study_folder(study_folder)
    table = candidate_points(study).complete
    chosen = table[(table["network"] == "small_vgg") & (table["method"] == "l1_filter") & (table["budget"] == 2)]
    rows = rows_of(chosen)[:1]
    found = flips(study, rows)
    assert len(found) == 3  # seeds
    head, lines = flipped_table(found)
    listed = [dict(zip(head, line, strict=True)) for line in lines]
    records = study.records.set_index("key")
    shares = []
    for key in rows[0].keys.split(";"):
        seed = records.loc[[key], "seed"].iloc[0]
        same = (records["method"] == "control") & (records["seed"] == seed) & (records["network"] == "small_vgg")
        ours, theirs = (
            LogitSet.load(study_folder / "trials" / name / "budget-0002" / "report.npz")
            for name in (key, records[same].index[0])
        )
        mine = [line for line in listed if line["seed"] == seed]
        here, there = ours.clean.argmax(1), theirs.clean.argmax(1)
        assert [line["image"] for line in mine] == np.flatnonzero(here != there).tolist()
        shares.append(np.mean(here != there))
        for line in mine:
            right, was = here[line["image"]] == line["label"], there[line["image"]] == line["label"]
            assert line["change"] == ("broken" if was else "mended" if right else "wrong otherwise")
    (sentence,) = flipped_sentences(found)
    assert f"{100 * np.mean(shares):.1f} % of the clean report images" in sentence


def test_candidates_without_kept_logits_list_nothing(tmp_path, study_folder):
    study = read_study_folder(study_folder)
    table = candidate_points(study).complete
    rows = rows_of(table[table["method"] == "baseline"])[:1]  # a baseline has no control
    assert flips(study, rows) == []


def test_an_ece_that_fell_with_accuracy_and_confidence_is_flagged():
    def row(ece, accuracy, confidence):
        return SimpleNamespace(
            ece=0.05 + ece,
            delta_ece=ece,
            accuracy=0.9 + accuracy,
            delta_accuracy=accuracy,
            mean_confidence=0.9 + confidence,
            delta_mean_confidence=confidence,
        )

    assert fell_together(row(-0.03, -0.5, -0.5))
    assert not fell_together(row(-0.03, 0.0, -0.03))  # better calibrated: only the confidence fell
    assert not fell_together(row(0.03, -0.5, -0.4))  # it rose
    assert not fell_together(row(float("nan"), -0.5, -0.5))
