"""Weights and logits on object storage: none is lost, none is wrong, and a storage that is away stops nothing."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import pytest

from prune_core.base.errors import BadInput
from prune_core.base.trial_folder import RECORD, REPORT, WEIGHTS, budget_folder
from sweeps.folder.paths import STORED, trial_folder
from sweeps.run.storage_mover import Mover
from sweeps.run.thinning import thin
from sweeps.storage import files
from sweeps.storage.files import LARGE, at_hand, bring_back, copy_away, is_kept, sha256_of
from sweeps.storage.place import ObjectStorage, checked_place
from sweeps.study.model import load_study


def made(out: Path, key: str = "abc") -> Path:
    """A judged budget whose files hold their own names."""
    folder = budget_folder(trial_folder(out, key), 1)
    folder.mkdir(parents=True)
    for name in LARGE:
        (folder / name).write_text(f"{out.name} {key} {name}")
    (folder / RECORD).write_text("{}")
    return folder


def study(place: Path | str, keep: str = "all") -> Any:
    address = f"file://{place}" if isinstance(place, Path) else place
    return SimpleNamespace(name="s", storage=address, keep=keep, decisive={"val_accuracy": "max"}, seeds=(0,))


def send(place: Path | str, out: Path, *keys: str, running: tuple[str, ...] = ()) -> str | None:
    mover = Mover(study(place), out, running.__contains__)
    mover.offer(keys)
    return mover.finish(keys, patient=True)


def here(folder: Path) -> set[str]:
    return {name for name in LARGE if (folder / name).exists()}


def test_what_ended_moves_away_and_comes_back_the_same(tmp_path: Path) -> None:
    out, store = tmp_path / "out", tmp_path / "a store"
    folder = made(out)
    before = {name: (folder / name).read_bytes() for name in LARGE}
    assert send(f"file://{tmp_path}/a%20store", out, "abc") is None
    assert not here(folder) and (folder / RECORD).exists() and all(is_kept(folder, name) for name in LARGE)
    assert sorted(path.name for path in store.rglob("*.*")) == sorted(LARGE)
    assert sha256_of(folder, WEIGHTS) == hashlib.sha256(before[WEIGHTS]).hexdigest()
    with at_hand(folder, [REPORT]):
        assert here(folder) == {REPORT} and (folder / REPORT).read_bytes() == before[REPORT]
    assert not here(folder)
    bring_back(folder, LARGE)
    assert {name: (folder / name).read_bytes() for name in LARGE} == before
    assert send(f"file://{tmp_path}/a%20store", out, "abc") is None and not here(folder)


def test_a_copy_that_is_damaged_or_gone_is_said_and_never_used(tmp_path: Path) -> None:
    folder = made(tmp_path / "out")
    send(tmp_path / "store", tmp_path / "out", "abc")
    copy = next((tmp_path / "store").rglob(REPORT))
    copy.write_text("half")
    with pytest.raises(BadInput, match="is not what was sent"):
        bring_back(folder, [REPORT])
    copy.unlink()
    with pytest.raises(BadInput, match="cannot be brought back"):
        bring_back(folder, [REPORT])
    assert not here(folder) and not list(folder.glob(".*"))


def test_only_what_was_written_down_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after the copy and before the note: the file here stays, and is sent again."""
    folder = made(tmp_path / "out")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("sweeps.storage.files.write_json", killed)
        with pytest.raises(KeyboardInterrupt):
            copy_away(folder, WEIGHTS, f"file://{tmp_path / 'store'}", "s/1")
    assert list((tmp_path / "store").rglob(WEIGHTS)) and not (folder / STORED).exists()
    assert bring_back(folder, [WEIGHTS]) == [] and here(folder) == set(LARGE)
    assert send(tmp_path / "store", tmp_path / "out", "abc") is None and not here(folder)


def test_killed_while_sending_nothing_is_lost_or_half(tmp_path: Path) -> None:
    out, keys = tmp_path / "out", [f"trial{number:03d}" for number in range(80)]
    folders = [made(out, key) for key in keys]
    before = [(folder / name).read_bytes() for folder in folders for name in LARGE]
    sender = (
        "import sys; from pathlib import Path; from types import SimpleNamespace as N\n"
        "from sweeps.run.storage_mover import Mover\n"
        "study = N(name='s', storage='file://' + sys.argv[1], keep='all')\n"
        "Mover(study, Path(sys.argv[2]), lambda key: False).finish(sys.argv[3:], patient=True)"
    )
    process = subprocess.Popen([sys.executable, "-c", sender, str(tmp_path / "store"), str(out), *keys])
    while process.poll() is None and not (folders[9] / STORED).exists():
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    sent = [folder for folder in folders if not here(folder)]
    assert 0 < len(sent) < len(keys) and all(is_kept(folder, name) for folder in folders for name in LARGE)
    assert send(tmp_path / "store", out, *keys) is None and not any(map(here, folders))
    for folder in folders:
        bring_back(folder, LARGE)
    assert [(folder / name).read_bytes() for folder in folders for name in LARGE] == before


def test_a_storage_that_is_away_leaves_the_files_here_until_the_next_start(tmp_path: Path) -> None:
    folder = made(tmp_path / "out")
    (tmp_path / "store").write_text("no folder")
    line = send(tmp_path / "store", tmp_path / "out", "abc")
    assert line is not None and line.startswith("storage: 4 files") and line.endswith("; the next start sends them")
    assert "\n" not in line and here(folder) == set(LARGE)
    (tmp_path / "store").unlink()
    assert send(tmp_path / "store", tmp_path / "out", "abc") is None and not here(folder)


def test_a_file_made_anew_replaces_the_copy(tmp_path: Path) -> None:
    folder = made(tmp_path / "out")
    send(tmp_path / "store", tmp_path / "out", "abc")
    (folder / REPORT).write_text("judged again")
    send(tmp_path / "store", tmp_path / "out", "abc")
    bring_back(folder, [REPORT])
    assert (folder / REPORT).read_text() == "judged again"


def test_a_trial_that_runs_or_has_no_record_keeps_its_files(tmp_path: Path) -> None:
    running, unjudged = made(tmp_path / "out", "abc"), made(tmp_path / "out", "def")
    (unjudged / RECORD).unlink()
    send(tmp_path / "store", tmp_path / "out", "abc", "def", running=("abc",))
    assert here(running) == here(unjudged) == set(LARGE) and not (unjudged / STORED).exists()


def test_two_output_folders_of_one_name_do_not_meet(tmp_path: Path) -> None:
    one, two = made(tmp_path / "one"), made(tmp_path / "two")
    send(tmp_path / "store", tmp_path / "one", "abc")
    send(tmp_path / "store", tmp_path / "two", "abc")
    bring_back(one, [REPORT])
    bring_back(two, [REPORT])
    assert (one / REPORT).read_text().startswith("one") and (two / REPORT).read_text().startswith("two")


def test_keep_none_removes_the_copies_too(tmp_path: Path) -> None:
    folder = made(tmp_path / "out")
    send(tmp_path / "store", tmp_path / "out", "abc")
    trial: Any = SimpleNamespace(key="abc", kind="control", budgets=(1,))
    thinned = thin(study(tmp_path / "store", "none"), tmp_path / "out", [trial], pd.DataFrame())
    assert thinned == (4, None)
    assert not [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert not any(is_kept(folder, name) for name in LARGE)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ftp://host/x", "allowed: s3://BUCKET"),
        ("bucket/prefix", "allowed: s3://BUCKET"),
        ("s3://", "names no bucket"),
        ("file://host/x", "no absolute path"),
        ("s3://key:secret@bucket/x", "credentials"),
        ("s3://b/x?regoin=eu", "'regoin'"),
        ("s3://[b/x", "no address"),
    ],
)
def test_what_is_no_storage_is_refused_with_the_key(text: str, told: str) -> None:
    with pytest.raises(BadInput, match=r"storage: ") as caught:
        load_study("smoke", [f"storage='{text}'"])
    assert told in str(caught.value) and "secret" not in str(caught.value) and "\n" not in str(caught.value)


def test_addresses_that_are_storages() -> None:
    for text in (
        "s3://b/p",
        "s3://b?region=eu-west-1&endpoint_override=minio.lan:9000&scheme=http",
        "gs://b/p",
        "file:///x",
    ):
        assert checked_place(text) == text
    assert load_study("smoke").storage is None


@pytest.mark.server
@pytest.mark.skipif(
    "PRUNEFRONT_S3" not in os.environ, reason="PRUNEFRONT_S3 names no S3 server, such as http://127.0.0.1:5000"
)
def test_s3_itself(tmp_path: Path) -> None:
    """The protocol, against a server that knows the credentials in the environment (moto, MinIO)."""
    from pyarrow import fs

    server, bucket = urlsplit(os.environ["PRUNEFRONT_S3"]), f"prunefront-{uuid.uuid4().hex[:12]}"
    place = f"s3://{bucket}/pre/fix?scheme={server.scheme}&region=us-east-1&endpoint_override={server.netloc}"
    folder = made(tmp_path / "out")
    line = send(place, tmp_path / "out", "abc")
    assert line is not None and "bucket does not exist" in line and here(folder) == set(LARGE)
    fs.FileSystem.from_uri(f"{place}&allow_bucket_creation=true")[0].create_dir(bucket)
    assert send(place, tmp_path / "out", "abc") is None and not here(folder)
    bring_back(folder, [REPORT])
    assert (folder / REPORT).read_text() == f"out abc {REPORT}"
    trial: Any = SimpleNamespace(key="abc", kind="control", budgets=(1,))
    assert thin(study(place, "none"), tmp_path / "out", [trial], pd.DataFrame()) == (4, None)


def test_a_place_that_a_folder_names_is_asked_of_nobody_before_the_user_confirms_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that somebody sent: its `stored.json` could name any storage that the user's credentials open."""
    folder = made(tmp_path / "out")
    send(tmp_path / "store", tmp_path / "out", "abc")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copytree(tmp_path / "store", elsewhere / "store")
    stored = (folder / STORED).read_text(encoding="utf-8")
    assert str(tmp_path / "store") in stored
    (folder / STORED).write_text(stored.replace(str(tmp_path / "store"), str(elsewhere / "store")), encoding="utf-8")
    asked: list[str] = []

    def opened(address: str) -> ObjectStorage:
        asked.append(address)
        return ObjectStorage(address)

    monkeypatch.setattr(files, "ObjectStorage", opened)
    with pytest.raises(BadInput, match="a place that you have not confirmed.*PRUNEFRONT_TRUST_PLUGINS=1"):
        bring_back(folder, [REPORT])
    trial: Any = SimpleNamespace(key="abc", kind="control", budgets=(1,))
    thinned = thin(study(elsewhere / "store", "none"), tmp_path / "out", [trial], pd.DataFrame())
    assert thinned.problem is not None and "not confirmed" in thinned.problem
    assert asked == [] and len(list(elsewhere.rglob("*.npz"))) == 3
    monkeypatch.setenv("PRUNEFRONT_TRUST_PLUGINS", "1")
    assert [path.name for path in bring_back(folder, [REPORT])] == [REPORT] and asked
