"""A checkpoint that is shown its classes in another order: `evaluate` says so, and in which; a run warns."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from prune_core import build_network
from tests.sweeps.inline import run_inline, without_ray
from tests.sweeps.judging import call

COLOURS = {"blue": (0, 0, 255), "green": (0, 255, 0), "red": (255, 0, 0), "white": (255, 255, 255)}
"""In the order of their sorted names, as an image folder numbers them."""
TRAINED = ("red", "green", "blue", "white")
"""The order in which the network was trained."""
MEAN, STD = [0.5, 0.5, 0.5], [0.25, 0.25, 0.25]


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders of noisy colours, and weights that know them in another order."""
    root, generator = tmp_path_factory.mktemp("order"), np.random.default_rng(0)
    images, labels = [], []
    for part, count in (("train", 40), ("test", 25)):
        for name, colour in COLOURS.items():
            (root / "images" / part / name).mkdir(parents=True)
            for number in range(count):
                noisy = np.clip(np.array(colour) + generator.normal(0, 40, (16, 16, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(noisy).save(root / "images" / part / name / f"{number}.png")
                if part == "train":
                    images.append(noisy)
                    labels.append(TRAINED.index(name))
    torch.manual_seed(0)
    network = build_network("small_vgg", width=4, num_classes=4)
    shown = torch.from_numpy(((np.stack(images) / 255 - MEAN) / STD).transpose(0, 3, 1, 2)).float()
    optimizer = torch.optim.SGD(network.parameters(), 0.05, 0.9)
    for _ in range(30):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(shown), torch.tensor(labels)).backward()
        optimizer.step()
    torch.save(network.state_dict(), root / "plain.pt")
    torch.save({"state_dict": network.state_dict(), "classes": list(TRAINED)}, root / "named.pt")
    return root


def evaluate(folder: Path, file: str, *more: str) -> list[str]:
    known = ["--network", "small_vgg", "--option", "width=4", "--data", f"image_folder:{folder / 'images'}"]
    return ["evaluate", str(folder / file), *known, "--mean", "0.5", "--std", "0.25", *more]


def test_evaluate_names_the_order_that_fits(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = call(capsys, *evaluate(folder, "plain.pt", "--json"))
    assert status == 0 and json.loads(out)["accuracy"] <= 0.5
    assert "confident and wrong" in err and "[red, green, blue, white]" in err
    assert call(capsys, *evaluate(folder, "plain.pt", "--json", "--limit", "40"))[2] == ""  # too few to say anything
    status, out, err = call(
        capsys, *evaluate(folder, "plain.pt", "--json", "--data-option", "classes=[red, green, blue, white]")
    )
    assert (status, err) == (0, "") and json.loads(out)["accuracy"] == 1.0


def test_a_checkpoint_that_names_its_classes_is_held_against_the_data(
    folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status, _, err = call(capsys, *evaluate(folder, "named.pt"))
    assert status == 2 and "in another order" in err and "classes: [red, green, blue, white]" in err
    order = ("--data-option", "classes=[red, green, blue, white]")
    assert call(capsys, *evaluate(folder, "named.pt", *order))[0] == 0
    pruned = str(tmp_path / "pruned.safetensors")
    made = ["prune", str(folder / "named.pt"), "--network", "small_vgg", "--option", "width=4", "--num-classes", "4"]
    assert call(capsys, *made, "--method", "unstructured", "--ratio", "0.2", "-o", pruned)[0] == 0
    status, _, err = call(capsys, "evaluate", pruned, "--data", f"image_folder:{folder / 'images'}")
    assert status == 2 and "in another order" in err  # a pruned file still names them


def test_an_order_that_names_other_classes_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = call(capsys, *evaluate(folder, "plain.pt", "--data-option", "classes=[red, green, blue]"))
    assert status == 2 and "option classes and the folders differ in 'white'" in err
    status, _, err = call(capsys, *evaluate(folder, "plain.pt", "--data-option", "classes=red"))
    assert status == 2 and "a list of different names" in err


def test_a_run_says_that_the_unpruned_network_is_doubtful(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without_ray(monkeypatch)
    file = tmp_path / "mine.yaml"
    file.write_text(
        f"""
name: mine
data: {{name: "image_folder:{folder / "images"}", options: {{mean: {MEAN}, std: {STD}}}, validation: 40}}
networks: {{small_vgg: {{options: {{width: 4}}, baseline: {{checkpoint: {folder / "plain.pt"}}}}}}}
arms: [{{methods: [l1_filter]}}]
ratios: [0.5]
budgets: [0]
seeds: [0]
limits: ["val_accuracy >= 0.9", "parameters <= 10"]
evaluation: {{corruptions: none, train_images: 0}}
""",
        encoding="utf-8",
    )
    status, said = run_inline(file, tmp_path / "out", report=True)
    assert status == 0
    line = next(line for line in said.splitlines() if line.startswith("warning: network small_vgg"))
    assert "confident and wrong" in line and "numbered by their sorted names" in line
    assert "misses a limit of the study: val_accuracy is" in line and "parameters" not in line
    page = (tmp_path / "out" / "report" / "index.html").read_text(encoding="utf-8")
    assert "Look at small_vgg first." in page and "confident and wrong" in page
    (file.parent / "other.yaml").write_text(
        file.read_text(encoding="utf-8").replace("plain.pt", "named.pt"), encoding="utf-8"
    )
    with pytest.raises(Exception, match="networks.small_vgg.baseline.checkpoint: named.pt has the classes .* another order"):
        run_inline(file.parent / "other.yaml", tmp_path / "other")
