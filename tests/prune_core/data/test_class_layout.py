"""Pictures in class folders are counted or refused, never left out: on disk and in an archive alike."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from prune_core.base.errors import BadInput
from prune_core.data import Dataset, load_dataset


def picture(kind: str = "PNG", value: int = 90) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (20, 20), (value, 10, 30)).save(stream, kind)
    return stream.getvalue()


GOOD = {"train/a/1.png": picture(), "train/b/1.png": picture(), "test/b/1.png": picture()}


def in_folder(root: Path, files: dict[str, bytes], folders: tuple[str, ...] = ()) -> str:
    for name, content in files.items():
        (root / "d" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "d" / name).write_bytes(content)
    for name in folders:
        (root / "d" / name).mkdir(parents=True, exist_ok=True)
    return f"image_folder:{root / 'd'}"


def in_archive(root: Path, files: dict[str, bytes], folders: tuple[str, ...] = ()) -> str:
    root.mkdir(parents=True, exist_ok=True)
    with tarfile.open(root / "d.tar.gz", "w:gz") as archive:
        for name in folders:
            member = tarfile.TarInfo(f"d/{name}")
            member.type = tarfile.DIRTYPE
            archive.addfile(member)
        for name, content in files.items():
            member = tarfile.TarInfo(f"d/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return f"image_folder:{root / 'd.tar.gz'}"


BOTH = pytest.mark.parametrize("made", [in_folder, in_archive], ids=["folder", "archive"])
Made = Callable[..., str]


def load(name: str, root: Path) -> Dataset:
    return load_dataset(name, cache=root / "cache")


def refused(name: str, root: Path) -> str:
    with pytest.raises(BadInput) as caught:
        load(name, root)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@BOTH
def test_every_kind_that_is_read_is_counted(tmp_path: Path, made: Made) -> None:
    kinds = {
        "jfif": "JPEG",
        "jpe": "JPEG",
        "JPG": "JPEG",
        "gif": "GIF",
        "bmp": "BMP",
        "ppm": "PPM",
        "webp": "WEBP",
        "TIF": "TIFF",
    }
    more = {f"train/a/{number}.{suffix}": picture(kind) for number, (suffix, kind) in enumerate(kinds.items())}
    dataset = load(made(tmp_path, {**GOOD, **more, "train/a/notes.txt": b"x", "train/README": b"x"}), tmp_path)
    assert len(dataset.train_labels) == 2 + len(kinds)
    assert dict(dataset.kinds) == {".png": 3, **{f".{suffix.lower()}": 1 for suffix in kinds}}
    assert dataset.contents.startswith("11 images: 3 .png, ") and dataset.contents.endswith(" in 2 classes")
    assert dataset.jpeg


@BOTH
@pytest.mark.parametrize(
    "name", ["1.avif", "1.jp2", "1.heic", "noend", "1.png~", "1.png.bak", "1.npy", "1.EPS", "1.", "a b.tga"]
)
def test_a_file_of_another_kind_in_a_class_folder(tmp_path: Path, made: Made, name: str) -> None:
    said = refused(made(tmp_path, {**GOOD, f"train/a/{name}": picture()}), tmp_path)
    assert f"train/a/{name} is of a kind that is not read (allowed: .jpg .jpeg" in said


@BOTH
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("train/a/b/2.png", "train/a/b/2.png does not lie directly in a class folder"),
        ("train/a/b/c/d/2.avif", "does not lie directly in a class folder"),
        ("train/2.png", "train/2.png does not lie directly"),
        ("train/2.jp2", "train/2.jp2 does not lie directly"),
        ("test/2.png", "test/2.png does not lie directly"),
        ("2.png", "2.png does not lie directly"),
        ("val/a/2.png", "val/a/2.png would be left out"),
        ("Test/a/2.png", "Test/a/2.png would be left out"),
        ("validation/2.gif", "validation/2.gif would be left out"),
    ],
)
def test_a_picture_elsewhere(tmp_path: Path, made: Made, name: str, said: str) -> None:
    assert said in refused(made(tmp_path, {**GOOD, name: picture()}), tmp_path)


@BOTH
@pytest.mark.parametrize("name", ["train/c", "test/c", "test/a"])
def test_a_class_without_pictures(tmp_path: Path, made: Made, name: str) -> None:
    assert f"class {'d/' if made is in_archive else ''}{name} has no pictures" in refused(
        made(tmp_path, GOOD, (name,)), tmp_path
    )


@BOTH
def test_what_is_surely_no_picture_is_left_out(tmp_path: Path, made: Made) -> None:
    more = [
        "train/a/.DS_Store",
        "train/a/._1.png",
        "train/labels.csv",
        "train/.git/x/y/z.png",
        "docs/figures/1.png",
        "README.md",
    ]
    dataset = load(made(tmp_path, {**GOOD, **dict.fromkeys(more, b"x")}), tmp_path)
    assert dataset.contents == "3 images: 3 .png in 2 classes"


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
@pytest.mark.parametrize("name", ["train/a/2.png", "train/c", "train/a/deep"])
def test_links_and_devices_in_an_archive(tmp_path: Path, kind: bytes, name: str) -> None:
    in_archive(tmp_path, {})
    with tarfile.open(tmp_path / "d.tar.gz", "w:gz") as archive:
        for good, content in GOOD.items():
            member = tarfile.TarInfo(f"d/{good}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo(f"d/{name}")
        link.type, link.linkname = kind, "d/train/a/1.png"
        archive.addfile(link)
    said = refused(f"image_folder:{tmp_path / 'd.tar.gz'}", tmp_path)
    assert name in said and ("a link" in said or "no plain file" in said) and "--dereference" in said


def test_links_on_disk_are_followed_and_counted(tmp_path: Path) -> None:
    name = in_folder(tmp_path, GOOD)
    os.link(tmp_path / "d" / "train" / "a" / "1.png", tmp_path / "d" / "train" / "a" / "2.png")
    (tmp_path / "d" / "train" / "a" / "3.png").symlink_to(tmp_path / "d" / "train" / "a" / "1.png")
    assert load(name, tmp_path).contents == "5 images: 5 .png in 2 classes"
    (tmp_path / "d" / "train" / "a" / "more").symlink_to(tmp_path / "d" / "train" / "b")
    assert "train/a/more/1.png does not lie directly" in refused(name, tmp_path)


def test_a_file_twice_and_two_datasets_in_one_archive(tmp_path: Path) -> None:
    in_archive(tmp_path, {})
    for second, said in (("d", "is there twice"), ("e", "class folders in two places")):
        with tarfile.open(tmp_path / "d.tar.gz", "w:gz") as archive:
            for root in ("d", second):
                member = tarfile.TarInfo(f"{root}/train/a/1.png")
                member.size = len(picture())
                archive.addfile(member, io.BytesIO(picture()))
        assert said in refused(f"image_folder:{tmp_path / 'd.tar.gz'}", tmp_path)


def test_an_archive_that_is_cut_or_damaged_in_the_middle(tmp_path: Path) -> None:
    in_archive(tmp_path, {})
    with tarfile.open(tmp_path / "d.tar", "w") as archive:
        for name, content in GOOD.items():
            member = tarfile.TarInfo(f"d/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    whole = (tmp_path / "d.tar").read_bytes()
    block = 512 * (1 + -(-len(picture()) // 512))  # header and content of one member
    for damaged in (whole[:block], whole[: block + 100], whole[:block] + b"x" * 512 + whole[block + 512 :], whole + whole):
        (tmp_path / "d.tar").write_bytes(damaged)
        assert "is damaged" in refused(f"image_folder:{tmp_path / 'd.tar'}", tmp_path)
    (tmp_path / "d.tar").write_bytes(whole)
    assert load(f"image_folder:{tmp_path / 'd.tar'}", tmp_path).contents == "3 images: 3 .png in 2 classes"


@BOTH
def test_several_pictures_in_one_file(tmp_path: Path, made: Made) -> None:
    frames = [Image.fromarray(np.full((20, 20), value, np.uint8)) for value in (0, 255)]
    for kind in ("GIF", "TIFF", "WEBP", "PNG"):
        stream = io.BytesIO()
        frames[0].save(stream, kind, save_all=True, append_images=frames[1:])
        suffix = kind.lower()
        said = refused(made(tmp_path / kind, {**GOOD, f"train/a/2.{suffix}": stream.getvalue()}), tmp_path)
        assert f"2.{suffix} holds 2 pictures" in said


@BOTH
def test_only_the_formats_of_the_allowed_suffixes_are_opened(
    tmp_path: Path, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An EPS starts Ghostscript: whatever it is called, it is not opened."""
    from PIL import EpsImagePlugin

    def started(*_: object, **__: object) -> None:
        raise AssertionError("Ghostscript was asked")

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", started)
    eps = io.BytesIO()
    Image.new("RGB", (20, 20)).save(eps, "EPS")
    for number, content in enumerate((eps.getvalue(), picture("TGA"), picture("ICO"), picture("PCX"), picture("JPEG2000"))):
        said = refused(made(tmp_path / str(number), {**GOOD, "train/a/2.png": content}), tmp_path)
        assert "2.png is not a readable picture (of no known format" in said


@BOTH
def test_a_jpeg_by_its_content(tmp_path: Path, made: Made) -> None:
    assert not load(made(tmp_path / "p", GOOD), tmp_path).jpeg
    assert load(made(tmp_path / "j", {**GOOD, "train/a/2.png": picture("JPEG")}), tmp_path).jpeg
