"""Which networks and which seed are exported, and what is refused: on hand-made folders, without a network."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pandas as pd
import pytest

from prune_core.base.errors import BadInput
from sweeps.cli.group import cli, run_cli
from sweeps.export import export as exporting
from sweeps.export import files as export_files
from sweeps.export.card import escaped
from sweeps.export.choice import choices, open_study
from sweeps.export.folder import check_target, models_folder, whole_folder
from sweeps.export.listing import table_lines
from sweeps.front.names import folder_name
from sweeps.study.model import load_study
from sweeps.study.yaml import write_study
from tests.sweeps.exporting import STUDY


def row(key, method, seed, *, accuracy, nll, parameters, status="complete", arm=None):
    plain = method in ("baseline", "control")
    return {
        "key": key,
        "study": "small",
        "arm": arm or ("small_vgg" if plain else f"small_vgg-{method}"),
        "network": "small_vgg",
        "method": method,
        "ratio": 0.0 if plain else 0.5,
        "seed": seed,
        "budget": 0,
        "status": status,
        "cause": None,
        "accuracy": accuracy,
        "val_accuracy": accuracy,
        "ece": 0.1,
        "val_ece": 0.1,
        "nll": nll,
        "val_nll": nll,
        "mpc": 0.5,
        "val_mpc": 0.5,
        "nonzero_parameters": parameters,
    }


ROWS = (
    row("aaaaaaaaaaaaaaa0", "l1_filter", 0, accuracy=0.95, nll=0.30, parameters=900.0),
    row("aaaaaaaaaaaaaaa1", "l1_filter", 1, accuracy=0.85, nll=0.20, parameters=900.0),
    row("bbbbbbbbbbbbbbb0", "unstructured", 0, accuracy=0.80, nll=0.5, parameters=950.0),
    row("bbbbbbbbbbbbbbb1", "unstructured", 1, accuracy=0.80, nll=0.4, parameters=950.0),
    row("ccccccccccccccc0", "control", 0, accuracy=0.99, nll=0.1, parameters=4000.0),
    row("ccccccccccccccc1", "control", 1, accuracy=0.99, nll=0.1, parameters=4000.0, status="failed"),
)


def study_folder(root: Path, rows=ROWS, limits="[]", weights=True, more="") -> Path:
    text = STUDY.replace("seeds: [0]", "seeds: [0, 1]").replace(
        '["nonzero_parameters <= 2000", "val_accuracy >= 0.999"]', limits
    )
    (root / "small.yaml").write_text(text + more, encoding="utf-8")
    out = root / "out"
    write_study(load_study(root / "small.yaml").to_plain(), out / "study.yaml")
    pd.DataFrame(rows).to_parquet(out / "records.parquet")
    for each in rows if weights else ():
        folder = out / "trials" / Path(each["key"]).name / "budget-0000"
        folder.mkdir(parents=True)
        (folder / "weights.safetensors").write_bytes(b"")
    return out


def chosen(out, picks=()):
    return choices(out, *open_study(out), picks)


def test_the_front_is_exported_with_the_seed_of_the_lowest_selection_nll(tmp_path):
    # the control lacks a seed; unstructured is worse and larger than l1_filter: dominated
    (only,) = chosen(study_folder(tmp_path))
    assert (only.name, only.record["seed"], only.on_front) == ("small_vgg-l1_filter-r0.50-b0", 1, True)
    assert only.seed_rule == "lowest NLL on the selection images of 2 seeds"
    assert only.candidate["accuracy"] == pytest.approx(0.9)


def test_a_seed_that_meets_the_limits_goes_before_one_that_does_not(tmp_path):
    (only,) = chosen(study_folder(tmp_path, limits='["val_accuracy >= 0.89"]'))
    assert only.record["seed"] == 0
    assert only.seed_rule.endswith("among the 1 that meet the limits")
    assert only.limits == ()
    (tmp_path / "b").mkdir()
    (only,) = chosen(study_folder(tmp_path / "b", limits='["val_accuracy >= 0.97"]'))
    assert only.record["seed"] == 1
    assert only.limits == ("val_accuracy is 0.9 (limit val_accuracy >= 0.97)",)


def test_a_study_that_selects_on_the_report_images_chooses_and_says_so(tmp_path):
    rows = [{**each, "nll": 1 - each["val_nll"]} for each in ROWS]
    (only,) = chosen(study_folder(tmp_path, rows=rows, more="select_on: report"))
    assert (only.record["seed"], only.seed_rule) == (0, "lowest NLL on the report images of 2 seeds")


def test_a_dominated_network_or_a_seed_can_be_picked(tmp_path):
    out = study_folder(tmp_path)
    (named,) = chosen(out, ["small_vgg-unstructured-r0.50-b0"])
    assert (named.record["seed"], named.on_front) == (1, False)
    (keyed,) = chosen(out, ["aaaaaaaaaaaaaaa0"])
    assert (keyed.record["seed"], keyed.seed_rule) == (0, "asked for")


def test_two_seeds_of_one_candidate_are_refused(tmp_path):
    with pytest.raises(BadInput, match="two seeds of small_vgg-l1_filter-r0.50-b0"):
        chosen(study_folder(tmp_path), ["aaaaaaaaaaaaaaa0", "aaaaaaaaaaaaaaa1"])


def test_an_unknown_pick_names_the_nearest(tmp_path):
    with pytest.raises(BadInput, match=r"called 'small_vgg-l1_filter-r0\.5'; did you mean small_vgg-l1_filter-r0\.50-b0"):
        chosen(study_folder(tmp_path), ["small_vgg-l1_filter-r0.5"])


def test_a_network_whose_weights_are_gone_does_not_keep_the_others_back(tmp_path, capsys):
    out = study_folder(tmp_path, [*ROWS[:-1], {**ROWS[-1], "status": "complete"}])
    first, *rest = [each.name for each in chosen(out)]
    assert rest
    (lost,) = [each for each in chosen(out) if each.name == first]
    (lost.folder / "weights.safetensors").unlink()
    gone: list[str] = []
    assert [each.name for each in choices(out, *open_study(out), gone=gone.append)] == rest
    assert len(gone) == 1 and f"the weights of {lost.title} are gone" in gone[0]
    assert run_cli(cli, ["export", str(out), "--list"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in rest) and gone[0] in " ".join(said.split())


def test_what_cannot_be_exported_is_said_in_one_line(tmp_path, capsys):
    assert run_cli(cli, ["export", str(tmp_path / "nowhere")]) == 2
    assert "there is no study here" in capsys.readouterr().err
    out = study_folder(tmp_path, weights=False)
    assert run_cli(cli, ["export", str(out)]) == 2
    said = capsys.readouterr().err
    assert "the weights of small_vgg-l1_filter-r0.50-b0 are gone" in said
    assert said.count("\n") == 1
    assert run_cli(cli, ["export", str(out), "--formats", "onnxx"]) == 2
    assert "did you mean onnx?" in capsys.readouterr().err
    (out / "records.parquet").write_bytes(b"half")
    assert run_cli(cli, ["export", str(out)]) == 2
    assert "damaged" in capsys.readouterr().err
    (out / "records.parquet").unlink()
    assert run_cli(cli, ["export", str(out)]) == 2
    assert "no front yet" in capsys.readouterr().err


def test_without_a_complete_candidate_there_is_no_front(tmp_path):
    with pytest.raises(BadInput, match="no candidate has all its seeds yet"):
        chosen(study_folder(tmp_path, rows=ROWS[4:]))


def test_the_list_names_candidates_and_exports_nothing(tmp_path, capsys):
    out = study_folder(tmp_path)
    assert run_cli(cli, ["export", str(out), "--list"]) == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["network", "seed", "accuracy", "ECE", "mPC", "nonzero", "parameters", "trial"]
    assert row.split()[:2] == ["small_vgg-l1_filter-r0.50-b0", "1"]
    assert row.split()[-1] == "aaaaaaaaaaaaaaa1"
    assert not (out / "models").exists()


def test_what_is_worth_most_is_listed_first_and_picked_by_what_it_is(tmp_path):
    # nothing says what accuracy the control has: all that is asked is to be small
    rows = [
        *ROWS,
        *(
            row(f"ddddddddddddddd{seed}", "random_filters", seed, accuracy=0.99, nll=0.1, parameters=3000.0)
            for seed in (0, 1)
        ),
    ]
    out = study_folder(tmp_path, rows=rows)
    assert [(each.name, each.remark) for each in chosen(out)] == [
        ("small_vgg-l1_filter-r0.50-b0", "recommended"),
        ("small_vgg-random_filters-r0.50-b0", ""),
    ]
    assert [each.name for each in chosen(out, ["recommended"])] == ["small_vgg-l1_filter-r0.50-b0"]


def test_where_nothing_meets_the_limits_nothing_is_recommended(tmp_path):
    out = study_folder(tmp_path, limits='["val_accuracy >= 0.95"]')
    found = chosen(out)
    assert [each.remark for each in found] == [""]
    head, row = table_lines(found)
    assert head.split()[-2:] == ["limits", "trial"] and row.split()[-2] == "missed"
    with pytest.raises(BadInput, match="--pick recommended: Keep the unpruned network: none of 2 pruned networks meets"):
        chosen(out, ["recommended"])


def test_without_onnx_the_other_formats_are_exported_and_it_is_said_what_to_install(tmp_path, capsys, monkeypatch):
    out = study_folder(tmp_path)
    monkeypatch.setattr(export_files, "find_spec", lambda name: None if name.startswith("onnx") else object())
    asked = []
    monkeypatch.setattr(exporting, "export_study", lambda *given, wanted, **named: asked.append(wanted.formats))
    assert run_cli(cli, ["export", str(out)]) == 0
    assert asked == [("safetensors", "pt2")]
    assert "pip install 'prunefront[export]'" in capsys.readouterr().out
    monkeypatch.setattr(export_files, "find_spec", lambda name: object())
    assert run_cli(cli, ["export", str(out)]) == 0
    assert asked[1] == ("safetensors", "onnx", "pt2")
    assert capsys.readouterr().out == ""


def test_a_key_with_a_path_in_it_is_refused(tmp_path):
    rows = [{**each, "key": f"../../{each['key']}"} for each in ROWS]
    with pytest.raises(BadInput, match="is no key of a trial"):
        chosen(study_folder(tmp_path, rows=rows))


@pytest.mark.parametrize("title", ["../../etc", "a/b", "..", "", ".hidden", "a\x00b", "-rf", "x" * 300, "<script>", "a\nb"])
def test_names_of_folders_stay_in_their_folder(title, tmp_path):
    name = folder_name(title)
    assert (tmp_path / name).resolve().parent == tmp_path
    assert name[0].isalnum()
    assert len(name) < 120
    assert folder_name(title + "?") != name
    assert folder_name(name) == name


def test_onnx_without_its_packages_names_the_extra(monkeypatch):
    monkeypatch.setattr(export_files, "find_spec", lambda name: None if name == "onnxruntime" else object())
    with pytest.raises(BadInput, match=r"ONNX needs onnxruntime: pip install 'prunefront\[export\]'"):
        export_files.check_formats(("onnx",), int8=False)
    with pytest.raises(BadInput, match="onnxruntime"):
        export_files.check_formats(("pt2",), int8=True)
    export_files.check_formats(("safetensors", "pt2"), int8=False)


def test_nothing_but_an_export_of_ours_is_replaced(tmp_path):
    models = models_folder(tmp_path)
    (models / "mine").mkdir()
    with pytest.raises(BadInput, match="no export of ours"):
        check_target(models / "mine")
    (models / "away").symlink_to(tmp_path)
    with pytest.raises(BadInput, match="no export of ours"):
        check_target(models / "away")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "models").symlink_to(models)
    with pytest.raises(BadInput, match="is a link"):
        models_folder(tmp_path / "other")


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    with pytest.raises(RuntimeError), whole_folder(tmp_path, "one") as folder:
        (folder / "half").write_text("")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    for text in ("first", "second"):
        with whole_folder(tmp_path, "one") as folder:
            (folder / text).write_text(text)
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["one", "one/second"]


def test_what_a_killed_export_left_is_removed_after_a_day(tmp_path):
    for name, age in ((".one.abc.tmp", 90_000), (".one.def.tmp", 60)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    with whole_folder(tmp_path, "one"):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {"one", ".one.def.tmp"}


def test_markup_does_not_work_in_a_card():
    assert escaped("<img src=x> [a](b) `c` | d\n# e") == r"&lt;img src=x&gt; \[a\](b) \`c\` \| d \# e"


def test_who_collapsed_is_said_by_the_mean_over_seeds_on_the_images_that_select(tmp_path: Path) -> None:
    lost = {"aaaaaaaaaaaaaaa0": 0.05, "aaaaaaaaaaaaaaa1": 0.17, "bbbbbbbbbbbbbbb0": 0.12, "bbbbbbbbbbbbbbb1": 0.07}
    rows = [{**each, "delta_val_accuracy": -lost.get(each["key"], 0.0), "delta_accuracy": -0.9} for each in ROWS]
    found = chosen(study_folder(tmp_path, rows=rows), ["small_vgg-l1_filter-r0.50-b0", "small_vgg-unstructured-r0.50-b0"])
    assert [one.candidate["accuracy_lost"] for one in found] == pytest.approx([0.11, 0.095])
    assert [bool(one.candidate["collapsed"]) for one in found] == [True, False]
