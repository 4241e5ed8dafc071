"""Somebody's own network, pictures, limits, method, metric and corruption, from the checkpoint to the exported file.

What a new user does by the docs alone: nothing is imported from prunefront but what docs/plugins.md shows; the method, the
metric and the corruptions are the files of that page.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.end_to_end.plugins_page import write_files
from tests.end_to_end.running import prunefront

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CLASSES = ("cross", "disc", "square", "stripes")
NETWORK = """
from torch import nn, relu

from prune_core.networks import NETWORKS


class Block(nn.Module):
    def __init__(self, before, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(before, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut = nn.Conv2d(before, width, 1, stride, bias=False) if stride > 1 else nn.Identity()

    def forward(self, images):
        return relu(self.bn2(self.conv2(relu(self.bn1(self.conv1(images))))) + self.shortcut(images))


class SmallResNet(nn.Module):
    def __init__(self, num_classes, in_channels, width):
        super().__init__()
        self.stem = nn.Conv2d(in_channels, width, 3, 1, 1, bias=False)
        self.bn = nn.BatchNorm2d(width)
        self.blocks = nn.Sequential(Block(width, width, 1), Block(width, 2 * width, 2))
        self.head = nn.Linear(2 * width, num_classes)

    def forward(self, images):
        return self.head(self.blocks(relu(self.bn(self.stem(images)))).mean(dim=(2, 3)))


@NETWORKS.register("signs")
def build(*, num_classes: int, in_channels: int, width: int = 8):
    return SmallResNet(num_classes, in_channels, width)
"""
TRAINING = """
from pathlib import Path
import numpy as np
import signs_network
import torch
from PIL import Image

classes = sorted(folder.name for folder in Path("pictures/train").iterdir())
files = [(file, label) for label, name in enumerate(classes) for file in sorted(Path("pictures/train", name).iterdir())]
images = torch.tensor(np.stack([np.asarray(Image.open(file)) for file, _ in files])).permute(0, 3, 1, 2) / 255
images, labels = (images - 0.5) / 0.25, torch.tensor([label for _, label in files])
torch.manual_seed(0)
network = signs_network.build(num_classes=4, in_channels=3)
optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, 12)
for _ in range(12):
    for batch in torch.randperm(len(images)).split(32):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(images[batch]), labels[batch]).backward()
        optimizer.step()
    schedule.step()
torch.save({"state_dict": network.state_dict()}, "signs.pth")
"""
STUDY = """
name: signs
data:
  name: image_folder:pictures
  options: {mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25]}
  validation: 80
networks:
  signs: {baseline: {checkpoint: signs.pth}}
fine_tuning: {learning_rate: 0.01, batch_size: 32}
arms:
  - methods: [filter_spread]
ratios: [0.25, 0.5]
budgets: [1]
seeds: [0]
limits: [size_bytes <= 20000, val_accuracy >= 0.9, val_worst_corruption_accuracy >= 0.4]
evaluation: {corruptions: [fog, dark], images_per_cell: 20, selection_images_per_cell: 20, train_images: 20}
tracking: {log_models: 0}
plugins: [signs_network, my_method, my_corruption]
"""
NORMALISED = "normalised: mean 0.5, 0.5, 0.5; std 0.25, 0.25, 0.25"


def picture(draw: np.random.Generator, label: int) -> np.ndarray:
    """A bright shape on a dark ground: 16 by 16 pixels."""
    rows, columns = np.mgrid[:16, :16]
    down, across, radius = rows - draw.uniform(5, 10), columns - draw.uniform(5, 10), draw.uniform(3, 5)
    shapes = {
        "cross": (abs(down) < 1.2) | (abs(across) < 1.2),
        "disc": np.hypot(down, across) < radius,
        "square": np.maximum(abs(down), abs(across)) < 0.85 * radius,
        "stripes": (rows // 2) % 2 == 0,
    }
    ground, colour = draw.uniform(0, 110, 3), draw.uniform(150, 255, 3)
    image = np.where(shapes[CLASSES[label]][..., None], colour, ground) + draw.normal(0, 8, (16, 16, 3))
    return image.clip(0, 255).astype(np.uint8)


def said(place: Path, *arguments: str) -> str:
    """Run a command of the walk and return what it printed."""
    ran = prunefront(*arguments, cwd=place, seconds=600, PRUNEFRONT_CACHE=str(place / "cache"))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a user: pictures in class folders, a module, a checkpoint, and the files of the page."""
    place = tmp_path_factory.mktemp("walk")
    draw = np.random.default_rng(0)
    for part, count in (("train", 90), ("test", 20)):
        for label, name in enumerate(CLASSES):
            (place / "pictures" / part / name).mkdir(parents=True)
            for number in range(count):
                Image.fromarray(picture(draw, label)).save(place / "pictures" / part / name / f"{number:03d}.png")
    (place / "signs_network.py").write_text(NETWORK)
    write_files(place, "my_method.py", "my_metric.py", "my_corruption.py")
    (place / "train.py").write_text(TRAINING)
    subprocess.run([sys.executable, "train.py"], cwd=place, check=True)
    (place / "signs.yaml").write_text(STUDY)
    return place


@pytest.fixture(scope="module")
def ran(place: Path) -> str:
    """What the study said."""
    return said(place, "run", "signs.yaml", "--out", "out")


def test_the_checkpoint_is_judged_pruned_and_judged_again(place: Path) -> None:
    data = ("--data", "image_folder:pictures", "--mean", "0.5,0.5,0.5", "--std", "0.25,0.25,0.25")
    whole = ("--plugin", "signs_network", "--network", "signs")
    judged = json.loads(said(place, "evaluate", "signs.pth", *whole, *data, "--json"))
    assert judged["accuracy"] > 0.9
    asked = ("--plugin", "my_method", "--method", "filter_spread", "--ratio", "0.5", "-o", "small.safetensors")
    assert f"{NORMALISED} (as given)" in said(place, "prune", "signs.pth", *whole, *data, *asked)
    again = said(place, "evaluate", "small.safetensors", "--plugin", "signs_network", "--data", "image_folder:pictures")
    assert f"{NORMALISED} (from the file's header)" in again


def test_the_pictures_are_corrupted(place: Path) -> None:
    asked = ("--data", "image_folder:pictures", "--corruption", "dark", "--limit", "4", "-o", "dark.png")
    said(place, "corrupt", "--plugin", "my_corruption", *asked)
    assert Image.open(place / "dark.png").size[0] > 0


def test_the_study_finds_networks_within_the_limits(place: Path, ran: str) -> None:
    assert "filter_spread" in ran
    assert "4 of 4 trials done" in ran or "4 of 4 trials" in said(place, "status", "out")
    records = pd.read_parquet(place / "out" / "records.parquet")
    assert set(records["status"]) == {"complete"}
    assert set(records["worst_corruption"]) <= {"fog", "dark"}
    pruned = records[records["method"].eq("filter_spread")]
    by_limits = pruned["size_bytes"].le(20000) & pruned["val_accuracy"].ge(0.9)
    assert by_limits.any()
    assert records["normalisation"].eq("mean 0.5, 0.5, 0.5; std 0.25, 0.25, 0.25 (as given)").all()


def test_a_metric_that_comes_later_is_filled_in(place: Path, ran: str) -> None:
    text = STUDY.replace("my_corruption]", "my_corruption, my_metric]").replace("limits: [", "limits: [val_margin >= 0.3, ")
    (place / "later.yaml").write_text(text + "objectives: [accuracy, margin, size_bytes]\n")
    shutil.copytree(place / "out", place / "later")
    assert "records lack margin: a run fills them from kept logits" in said(place, "plan", "later.yaml", "--out", "later")
    again = said(place, "run", "later.yaml", "--out", "later")
    records = pd.read_parquet(place / "later" / "records.parquet")
    assert f"{len(records)} of {len(records)} records lack margin: they are filled from kept logits" in again
    assert "everything is there: nothing to run" in again
    for column in ("margin", "val_margin"):
        assert records[column].between(0, 1).all()
    assert "mean margin" in again.replace("\n", " ")
    assert "margin" in pd.read_csv(place / "later" / "front.csv").columns
    assert "Mean margin" in (place / "later" / "report" / "index.html").read_text()
    before = pd.read_parquet(place / "out" / "records.parquet")
    pd.testing.assert_frame_equal(records[before.columns.drop("mlflow_run_id")], before.drop(columns="mlflow_run_id"))


def test_the_exported_file_answers_as_its_card_says(place: Path, ran: str) -> None:
    picks = pd.read_parquet(place / "out" / "records.parquet")
    key = picks[picks["method"].eq("filter_spread")].sort_values("ratio")["key"].iloc[0]
    said(place, "export", "out", "--trust-plugins", "--pick", key, "--formats", "safetensors,pt2")
    [folder] = (place / "out" / "models").iterdir()
    card = json.loads((folder / "card.json").read_text())
    assert card["network"]["module"]["files"] == ["signs_network.py"]
    assert (folder / "signs_network.py").read_text() == NETWORK
    text = (folder / "README.md").read_text()
    assert "`signs_network.py` beside it" in text
    assert "Needs no module" in text
    asked = ("evaluate", folder / "model.safetensors", "--data", "image_folder:pictures")
    judged = json.loads(said(place, *map(str, asked), "--plugin", "signs_network", "--json"))
    assert judged["normalisation"] == "mean 0.5, 0.5, 0.5; std 0.25, 0.25, 0.25 (from the file's header)"
    assert judged["accuracy"] == card["checkpoint"]["metrics"]["accuracy"]
    assert judged["nll"] == pytest.approx(card["checkpoint"]["metrics"]["nll"], rel=1e-4)
    alone = prunefront(*asked, cwd=place)
    assert alone.returncode == 2
    assert "--plugin signs_network" in alone.stderr


def test_the_code_of_the_card_runs_as_it_stands(place: Path, ran: str) -> None:
    [folder] = (place / "out" / "models").iterdir()
    blocks = (folder / "README.md").read_text().split("```python\n")[1:]
    prepare, *loads = (block.partition("```")[0] for block in blocks)
    assert len(loads) == 2
    for load in loads:
        code = f"{prepare}\n{load}\nassert logits.shape == (1, 4)"
        found = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
        assert found.returncode == 0, found.stderr
