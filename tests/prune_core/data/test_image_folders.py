"""Pictures in class folders and archives: how they are read, and everything that may be wrong with them."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from prune_core.base.errors import BadInput
from prune_core.data import load_dataset


def _picture(path: Path, size: tuple[int, int] = (20, 20), mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, 90 if mode == "L" else (10, 200, 30)).save(path)


def test_image_folder_is_scaled_cut_and_sorted(tmp_path: Path) -> None:
    tall = np.zeros((60, 20, 3), dtype=np.uint8)
    tall[20:40] = 255  # the middle third survives the cut
    (tmp_path / "d" / "train" / "zebra").mkdir(parents=True)
    Image.fromarray(tall).save(tmp_path / "d" / "train" / "zebra" / "1.png")
    _picture(tmp_path / "d" / "train" / "ape" / "2.png", (40, 40))
    _picture(tmp_path / "d" / "train" / "ape" / ".hidden.png")
    (tmp_path / "d" / "train" / "ape" / "notes.txt").write_text("no picture")
    dataset = load_dataset(f"image_folder:{tmp_path / 'd'}", cache=tmp_path / "c", size=20)
    assert dataset.classes == ("ape", "zebra")
    assert dataset.train_labels.tolist() == [0, 1]
    assert dataset.train_images.shape == (2, 20, 20, 3)
    np.testing.assert_array_equal(dataset.train_images[0, 5, 5], [10, 200, 30])
    assert dataset.train_images[1].min() == 255
    assert dataset.test_images is None
    assert not dataset.jpeg


def test_grey_pictures_stay_grey_and_channels_can_be_said(tmp_path: Path) -> None:
    _picture(tmp_path / "d" / "train" / "a" / "1.png", mode="L")
    name = f"image_folder:{tmp_path / 'd'}"
    assert load_dataset(name, cache=tmp_path / "c").train_images.shape == (1, 20, 20, 1)
    assert load_dataset(name, cache=tmp_path / "c", channels=3).train_images.shape == (1, 20, 20, 3)
    _picture(tmp_path / "d" / "train" / "a" / "2.png")
    grey = load_dataset(name, cache=tmp_path / "c", channels=1)  # a new file is seen: the cache knows contents
    assert grey.train_images.shape == (2, 20, 20, 1)
    assert grey.train_images[1, 0, 0, 0] == round(0.299 * 10 + 0.587 * 200 + 0.114 * 30)


def test_archive_and_folder_are_the_same_dataset(tmp_path: Path) -> None:
    for part, name in (("train", "b"), ("train", "a"), ("test", "b")):
        _picture(tmp_path / "d" / part / name / "1.png")
    with tarfile.open(tmp_path / "d.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "d", "d")
    folder = load_dataset(f"image_folder:{tmp_path / 'd'}", cache=tmp_path / "c")
    packed = load_dataset(f"image_folder:{tmp_path / 'd.tar.gz'}", cache=tmp_path / "c")
    assert folder.checksum == packed.checksum
    assert folder.classes == packed.classes == ("a", "b")
    assert packed.test_labels is not None and packed.test_labels.tolist() == [1]
    assert packed.title == "d"


def test_image_folders_that_are_wrong(tmp_path: Path) -> None:
    def refused(said: str, path: Path, **options: object) -> None:
        with pytest.raises(BadInput, match=said) as caught:
            load_dataset(f"image_folder:{path}", cache=tmp_path / "c", **options)
        assert "\n" not in str(caught.value)

    refused("no folder or archive", tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    refused("no folder train/", tmp_path / "empty")
    (tmp_path / "empty" / "train").mkdir()
    refused("no pictures in train/", tmp_path / "empty")
    _picture(tmp_path / "two" / "train" / "a" / "1.png")
    _picture(tmp_path / "two" / "train" / "a" / "2.png", (30, 20))
    refused("state the option size", tmp_path / "two")
    refused("'size' is 3", tmp_path / "two", size=3)
    refused("'channels' is 2", tmp_path / "two", channels=2)
    _picture(tmp_path / "two" / "test" / "b" / "1.png")
    refused("test/b is no class", tmp_path / "two", size=20)
    (tmp_path / "two" / "train" / "a" / "3.png").write_bytes(b"no")
    refused("3.png is not a readable picture", tmp_path / "two", size=20)
    (tmp_path / "bad.tar.gz").write_bytes(b"no")
    refused("damaged", tmp_path / "bad.tar.gz")
    for number, (made, said) in enumerate(
        {
            "a/deep/1.png": "a/deep/1.png does not lie directly in a class folder",
            "1.png": "train/1.png does not lie directly in a class folder",
            "a/16.png": "more than 8 bits",
            "a/empty.jpg": "of no known format",
            "a/cut.jpg": "cut.jpg is not a readable picture",
            "a/link.png": "link.png is a link that leads nowhere",
            "b/notes.txt": "class train/b has no pictures",
        }.items()
    ):
        folder = tmp_path / f"wrong{number}"
        _picture(folder / "train" / "a" / "0.png")
        _picture(folder / "train" / "c" / "0.png")
        _wrong_file(folder / "train" / made)
        refused(said, folder)


def _wrong_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).integers(0, 2**16, (20, 20)).astype(np.uint16)
    if path.name == "16.png":
        Image.fromarray(noise).save(path)
    elif path.name == "cut.jpg":
        Image.fromarray((noise % 256).astype(np.uint8)).save(path)
        path.write_bytes(path.read_bytes()[:400])
    elif path.name == "link.png":
        path.symlink_to(path.parent / "nothing")
    elif path.suffix == ".png":
        _picture(path)
    else:
        path.write_bytes(b"")


def test_links_folders_named_like_pictures_and_dots_in_the_path(tmp_path: Path) -> None:
    _picture(tmp_path / "real" / "1.png")
    _picture(tmp_path / "d" / "train" / "b" / "1.png")
    (tmp_path / "d" / "train" / "a").symlink_to(tmp_path / "real")
    (tmp_path / "d" / "train" / "b" / "x.png").mkdir()
    (tmp_path / "d" / "train" / ".git").mkdir()
    dataset = load_dataset(f"image_folder:{tmp_path / 'd' / 'train' / '..'}", cache=tmp_path / "c")
    assert dataset.classes == ("a", "b")
    assert dataset.title == "d"
    assert dataset.train_labels.tolist() == [0, 1]
