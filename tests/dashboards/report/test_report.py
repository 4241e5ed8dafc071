from __future__ import annotations

import hashlib
import json
import re
import shutil

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from dashboards.analysis.points import candidate_points, rows_of
from dashboards.labels import candidate
from dashboards.reading.study_folder import read_study_folder
from dashboards.report.report import build_report
from prune_core.base.errors import BadInput
from sweeps.front.front import non_dominated
from tests.dashboards import synthetic
from tests.matching import find

SCRIPT = re.compile(r"<script>.*?</script>", re.S)


def markup(page):
    """The page without its scripts, its minus signs and spaces those of a keyboard."""
    return SCRIPT.sub("", page.read_text(encoding="utf-8")).replace("\u2212", "-").replace("\u00a0", " ")


def figures(page):
    text = page.read_text(encoding="utf-8")
    return json.loads(find(r'(?s)<script type="application/json" id="figures">(.*?)</script>', text)[1])


def test_nothing_is_fetched(page):
    text = markup(page)
    assert not re.findall(r"""(?:src|href|action|srcset|poster)\s*=\s*["']?\s*(?:https?:)?//""", text)
    assert "@import" not in text
    assert "url(" not in text
    assert "default-src 'none'" in text


def test_every_table_and_figure_with_corrupted_images_says_which(page):
    text, label = markup(page), "CIFAR-10-C (regenerated, seed 0)"
    tables = re.findall(r"<table[^>]*>.*?</table>", text, re.S)
    assert sum("mPC" in table for table in tables) >= 4
    assert all(label in table for table in tables if "mPC" in table)
    drawn = re.findall(
        r'data-figure="(front|robustness|calibration-shift|damage)[^"]*".*?<figcaption>(.*?)</figcaption>', text, re.S
    )
    assert {name for name, _ in drawn} == {"front", "robustness", "calibration-shift", "damage"}
    assert all(label in caption for _, caption in drawn)


def test_one_copy_of_the_plotting_script_and_a_small_page(page):
    assert page.read_text(encoding="utf-8").count("* plotly.js v") == 1
    assert page.stat().st_size < 8 * 2**20


def test_every_figure_is_valid_plotly_and_has_files(page):
    data = figures(page)
    assert {"front", "ratio-0", "ratio-1", "robustness-0", "calibration-shift-1", "reliability", "damage"} <= set(
        data["figures"]
    )
    for figure in data["figures"].values():
        plain = json.loads(json.dumps(figure).replace('"@', '"#ff0000').replace("#ff0000ink", "#ff0000"))
        plain = json.loads(re.sub(r'"#ff0000[a-z0-9~]*"', '"#ff0000"', json.dumps(plain)))
        go.Figure(plain)
    folder = page.parent / "figures"
    assert {path.suffix for path in folder.iterdir()} == {".png", ".svg"}
    assert {path.stem for path in folder.iterdir()} >= {
        "front",
        "ratio-resnet8",
        "robustness-small_vgg",
        "calibration-shift-resnet8",
    }


def test_same_records_same_bytes(study_folder, page, tmp_path):
    again = tmp_path / "copied"
    shutil.copytree(study_folder, again, ignore=shutil.ignore_patterns("report"))
    table = pd.read_parquet(again / "records.parquet").sample(frac=1.0, random_state=1)
    table.to_parquet(again / "records.parquet", index=False)
    build_report(again)
    mine, other = (
        {path.relative_to(root): hashlib.sha256(path.read_bytes()).hexdigest() for path in (root / "report").rglob("*.*")}
        for root in (study_folder, again)
    )
    assert mine == other


def test_the_front_is_the_front_of_the_selection_numbers(study_folder):
    points = candidate_points(read_study_folder(study_folder))
    assert points.decisive == {"val_accuracy": "max", "val_ece": "min", "val_mpc": "max", "nonzero_parameters": "min"}
    table = points.complete[(points.complete["budget"] == 2) | (points.complete["method"] == "baseline")]
    expected = non_dominated(table[list(points.decisive)].to_numpy(), list(points.decisive.values()))
    tuned = (table["budget"] == 2).to_numpy()
    assert (table["front"].to_numpy()[tuned] == expected[tuned]).all()


def test_the_tables_beside_the_page_hold_the_same_differences(page, study_folder):
    points = candidate_points(read_study_folder(study_folder))
    table = pd.read_csv(page.parent / "tables" / "answers.csv")
    first = table[(table["question"] == "Smallest") & (table["metric"] == "accuracy")].iloc[0]
    row = next(row for row in rows_of(points.complete) if candidate(row) == first["candidate"])
    assert first["difference"] == pytest.approx(row.delta_accuracy)
    low, high = (f"{100 * first[name]:+.1f}".replace("+0.0", "0.0").replace("-0.0", "0.0") for name in ("low", "high"))
    assert f"[{low}, {high}]" in markup(page)
    effects = pd.read_csv(page.parent / "tables" / "effects.csv")
    assert set(effects["factor"]) == {"method", "ratio", "budget"}


def test_a_demonstration_says_so_and_a_study_does_not(page, tmp_path):
    assert "it draws no verdicts" in markup(page)
    other = synthetic.write(tmp_path / "real", synthetic.records(networks=("small_vgg",)), demonstration=False)
    text = markup(build_report(other, print_figures=False))
    assert "it draws no verdicts" not in text
    assert "not decidable" in text  # three seeds


def test_failures_are_counted_with_their_causes(page):
    text = markup(page)
    assert "RuntimeError: out of memory &lt;b&gt;" in text
    assert "loss is not finite in epoch 2" in text
    assert "2 records failed" in text


def test_markup_in_names_is_text(tmp_path):
    evil = '</script><script>alert(1)</script><img src=x onerror="alert(2)">'
    table = synthetic.records(seeds=(0,), networks=("small_vgg",))
    table["network"] = evil
    table.loc[table["method"] == "l1_filter", "method"] = "<b>&x"
    page = build_report(synthetic.write(tmp_path / "evil", table, title=evil, seeds=[0], plugins=[evil]))
    text = page.read_text(encoding="utf-8")
    assert text.count("<script>") == text.count("</script>") - 1  # the one more is the JSON element's
    assert "<img src=x" not in text
    assert "&lt;img src=x" in text
    for path in (page.parent / "figures").iterdir():
        assert path.resolve().parent == (page.parent / "figures").resolve()
    # plotly reads a few tags in texts: the names in its texts are escaped a second time.
    assert all("<img" not in hover and "<script" not in hover for hover in figures(page)["hover"])


@pytest.mark.parametrize("kind", ["no table", "no rows", "one record", "one seed", "only failures", "no objective columns"])
def test_a_partial_study_has_a_report(kind, tmp_path):
    whole = synthetic.records()
    table = {
        "no table": None,
        "no rows": whole.iloc[:0],
        "one record": whole.iloc[:1],
        "one seed": whole[whole["seed"] == 0],
        "only failures": whole.assign(status="failed", cause="it broke", accuracy=np.nan),
        "no objective columns": whole[
            ["key", "arm", "network", "method", "ratio", "seed", "budget", "status", "cause", "accuracy"]
        ],
    }[kind]
    text = markup(build_report(synthetic.write(tmp_path / "partial", table), print_figures=False))
    assert "How it was run" in text
    if kind in ("no table", "no rows", "one record", "one seed", "only failures"):
        assert "No candidate is complete yet" in text
    if kind == "only failures":
        assert "it broke" in text


def test_a_folder_that_is_no_study_is_refused(tmp_path):
    with pytest.raises(BadInput, match="no such folder"):
        build_report(tmp_path / "nowhere")
    with pytest.raises(BadInput, match=r"no study\.yaml"):
        build_report(tmp_path)
    (tmp_path / "study.yaml").write_text("[unfinished")
    with pytest.raises(BadInput, match="cannot be read"):
        build_report(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [("seeds", ["a"]), ("budgets", "z"), ("limits", 5), ("title", ["x"]), ("evaluation", "x"), ("demonstration", "maybe")],
)
def test_a_study_file_of_another_shape_is_refused_with_the_key(key, value, tmp_path):
    with pytest.raises(BadInput, match=rf"study\.yaml: {key}: .*allowed: "):
        build_report(synthetic.write(tmp_path / "s", **{key: value}))


def test_damaged_or_foreign_records_are_refused(tmp_path):
    folder = synthetic.write(tmp_path / "s")
    (folder / "records.parquet").write_bytes(b"PAR1 cut short")
    with pytest.raises(BadInput, match="cannot be read"):
        build_report(folder)
    pd.DataFrame({"a": [1]}).to_parquet(folder / "records.parquet")
    with pytest.raises(BadInput, match="lacks the columns"):
        build_report(folder)
    for column, value in (("budget", "two"), ("budget", np.nan), ("ratio", "half"), ("accuracy", "high")):
        synthetic.records(seeds=(0,), networks=("small_vgg",)).assign(**{column: value}).to_parquet(
            folder / "records.parquet"
        )
        with pytest.raises(BadInput, match=f"{column}.*Run the study again"):
            build_report(folder)


def test_records_of_an_older_version_are_read(tmp_path):
    table = synthetic.records(networks=("small_vgg",))
    old = table.drop(columns=[name for name in table.columns if name.endswith("_t") or name in ("cause", "mlflow_run_id")])
    old = old.assign(ratio=old["ratio"].map(str), seed=old["seed"].astype(float), corruption_ece=np.inf)
    text = markup(build_report(synthetic.write(tmp_path / "old", old, objectives=["accuracy", "ece"]), print_figures=False))
    assert "small_vgg, unstructured 0.5, 2 epochs" in text
    assert "inf" not in re.sub("<style>.*?</style>", "", text, flags=re.S)


def test_a_password_in_an_old_study_file_is_not_shown(tmp_path):
    out = synthetic.write(tmp_path / "s", synthetic.records(networks=("small_vgg",)))
    with (out / "study.yaml").open("a", encoding="utf-8") as file:
        file.write("tracking: {mlflow: 'https://me:p@ss/w?rd@h/', optuna: 'postgresql://h/db?password=p@ss'}\n")
        file.write("extra: ['http://TOKEN@h/']\n")
    text = build_report(out, print_figures=False).read_text(encoding="utf-8")
    assert "***" in text
    for secret in ("p@ss", "w?rd", "TOKEN"):
        assert secret not in SCRIPT.sub("", text)


@pytest.mark.parametrize("name", ["report", "report/figures", "report/tables"])
def test_a_report_that_is_a_link_to_somewhere_else_is_not_written(tmp_path, name):
    out = synthetic.write(tmp_path / "s", synthetic.records(networks=("small_vgg",)))
    victim = tmp_path / "victim"
    victim.mkdir()
    for file in ("index.html", "holiday.png", "answers.csv"):
        (victim / file).write_text("mine")
    (out / name).parent.mkdir(exist_ok=True)
    (out / name).symlink_to(victim)
    with pytest.raises(BadInput, match="is a link"):
        build_report(out)
    assert {path.name: path.read_text() for path in victim.iterdir()} == dict.fromkeys(
        ("index.html", "holiday.png", "answers.csv"), "mine"
    )
