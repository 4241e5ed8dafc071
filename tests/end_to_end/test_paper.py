"""The paper's study started for real on a slice of real CIFAR-10: one network of each method, one ratio, a short epoch."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from prune_core.base.files import read_json
from tests.end_to_end.running import prunefront

pytestmark = [pytest.mark.slow, pytest.mark.cifar10, pytest.mark.timeout(900)]

SLICE = {
    "resources": "{device: cpu}",
    "data": "{name: cifar10, validation: 0, train: 32, test: 10}",
    "evaluation": "{corruptions: generated, images_per_cell: 1, train_images: 10, ece_bins: 10}",
    "training": "{epochs: 1, learning_rate: 0.1, batch_size: 16, augmentation: crop_flip}",
    "ratios": "[0, 0.5]",
    "budgets": "[0, 1]",
    "seeds": "[0]",
    "arms": "[{networks: [vgg19-weights], methods: [unstructured]},"
    " {networks: [vgg16], methods: [l1_filter], options: {layers: vgg16_a}},"
    " {networks: [vgg19-slimming], methods: [network_slimming]}]",
}


@pytest.mark.skipif(not os.environ.get("PRUNEFRONT_CIFAR10"), reason="needs real CIFAR-10, named by PRUNEFRONT_CIFAR10")
def test_the_papers_study_on_a_slice_of_real_images(tmp_path: Path) -> None:
    out = tmp_path / "runs" / "paper"
    changes = [part for key, value in SLICE.items() for part in ("--set", f"{key}={value}")]
    ran = prunefront("run", "paper", "--out", out, *changes, cwd=tmp_path, seconds=800)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    records = pd.read_parquet(out / "records.parquet")
    assert len(records) == 3 * (1 + 2 + 2) and set(records["status"]) == {"complete"}
    tuned = records[records["budget"].eq(1)].set_index("method")
    # Liu et al. 2019: k + 1 of N weights go, and what ties with the last one; they stay gone while the network is fine-tuned
    total = 20_018_880
    zeros = [round(share * total) for share in records[records["method"].eq("unstructured")]["sparsity"]]
    assert zeros[0] == zeros[1] and 0 <= zeros[0] - (total // 2 + 1) < 10
    # Li et al. 2017, VGG-16 A: half of convolutions 1 and 8 to 13
    assert list(tuned.loc["l1_filter", ["parameters", "macs"]]) == [5_397_034, 206_279_680]
    # slimming, by their code: k + 1 of the 5,504 channels, and ties; those that a layer could not spare are counted
    slimmed = records[records["method"].eq("network_slimming")]["key"].iloc[0]
    outcome = read_json(out / "trials" / slimmed / "verification.json")["outcome"]
    assert outcome["asked_removed"] == 5504 // 2 + 1
    removed = sum(layer["total"] - layer["kept"] for layer in outcome["layers"])
    assert 0 <= removed + outcome["rescued"] - outcome["asked_removed"] < 10
    assert records[["ece", "ece_mass", "mpc", "corruption_ece_s5"]].notna().all().all()
    assert records["val_accuracy"].isna().all(), "the paper holds no images back"
    assert "Chosen on the report images" in (out / "report" / "index.html").read_text()
