"""Which files of a folder or an archive are the pictures of a dataset: every other picture is refused, none is left out."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from prune_core.base.archives import open_archive
from prune_core.base.errors import BadInput
from prune_core.data.pictures import check_bytes, is_picture, is_readable, kinds_text, may_be_left_out

PARTS = ("train", "test")
LAYOUT = "allowed: a folder, or a .tar.gz of one, with train/<class>/<image> and optionally test/<class>/<image>"
_OTHER_PARTS = ("train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval", "evaluation", "holdout")
"""Folders beside ``train/`` and ``test/`` whose pictures somebody would miss; in small letters."""
_MOST_STRAYS = 100_000

Parts = tuple[str, ...]


def folder_files(path: Path) -> list[Path]:
    """Return the pictures of a folder, sorted.

    Raises:
        BadInput: a picture that would be left out, where nobody would miss it: it does not lie directly in a class folder,
            is of a kind that is not read, or is a link to nowhere; a class without pictures.
    """
    found = []
    for entry in _entries(path):
        if entry.name in PARTS and entry.is_dir():
            found += [file for child in _entries(entry) for file in _class_files(path, child)]
        elif is_picture(entry.name) and not entry.is_dir():
            raise _misplaced(path, entry.relative_to(path).as_posix())
        elif entry.name.lower() in _OTHER_PARTS and entry.is_dir():
            picture = next(_pictures_below(entry), None)
            if picture is not None:
                raise _another_part(path, picture.relative_to(path).as_posix())
    return sorted(found)


def archive_files(path: Path) -> Iterator[tuple[Parts, bytes]]:
    """Yield (part, class, file) and content of every picture of an archive, in its order.

    Raises:
        BadInput: as `folder_files`; also for links, which an archive need not hold the target of, for a file that is there
            twice, and for class folders in two places.
    """
    seen: set[Parts] = set()
    classes: set[Parts] = set()
    strays: list[Parts] = []
    with open_archive(path) as members:
        for member, read in members:
            parts = tuple(part for part in PurePosixPath(member.name).parts if part != "/")
            if not parts or _hidden(parts):
                continue
            if member.isdir():
                classes |= {parts} if len(parts) > 1 and parts[-2] in PARTS else set()
            elif may_be_left_out(parts[-1]):
                continue
            elif not member.isreg():
                _check_link(path, member, parts)
            elif len(parts) > 2 and parts[-3] in PARTS:
                if not is_readable(parts[-1]):
                    raise _other_kind(path, member.name)
                if parts in seen:
                    raise BadInput(f"image folder {str(path)!r}: {member.name} is there twice")
                check_bytes(f"{path}: {member.name}", member.size)
                seen.add(parts)
                yield parts[-3:], read()
            elif len(strays) < _MOST_STRAYS and (is_picture(parts[-1]) or set(parts) & set(PARTS)):
                strays.append(parts)
    _check_places(path, seen, classes, strays)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise BadInput(f"{folder} cannot be read ({error.strerror})") from error


def _class_files(path: Path, folder: Path) -> list[Path]:
    name = folder.relative_to(path).as_posix()
    if not folder.is_dir():
        if may_be_left_out(folder.name):
            return []
        raise _misplaced(path, name)
    found = []
    for file in _entries(folder):
        inside = file.relative_to(path).as_posix()
        if file.is_dir():
            picture = next(_pictures_below(file), None)
            if picture is not None:
                raise _misplaced(path, picture.relative_to(path).as_posix())
        elif may_be_left_out(file.name):
            continue
        elif not is_readable(file.name):
            raise _other_kind(path, inside)
        elif not file.is_file():
            raise BadInput(f"image folder {str(path)!r}: {inside} is a link that leads nowhere, or no plain file")
        else:
            check_bytes(str(file), file.stat().st_size)
            found.append(file)
    if not found:  # left out, it would shift the labels of the classes after it
        raise _empty_class(path, name)
    return found


def _pictures_below(folder: Path) -> Iterator[Path]:
    """Yield what may be a picture at any depth; a link to a folder as such, since it may lead in a circle."""
    for entry in _entries(folder):
        if entry.is_dir() and not entry.is_symlink():
            yield from _pictures_below(entry)
        elif not may_be_left_out(entry.name):
            yield entry


def _hidden(parts: Parts) -> bool:
    start = next((at for at, part in enumerate(parts) if part in PARTS), 0)
    return any(part.startswith(".") for part in parts[start:])


def _check_link(path: Path, member: tarfile.TarInfo, parts: Parts) -> None:
    if set(parts) & set(PARTS):
        kind = "a link" if member.issym() or member.islnk() else "no plain file"
        raise BadInput(
            f"image folder {str(path)!r}: {member.name} is {kind} (allowed: plain files; "
            "pack with tar --dereference --hard-dereference)"
        )


def _check_places(path: Path, seen: set[Parts], classes: set[Parts], strays: list[Parts]) -> None:
    """Raise `BadInput` where pictures lie elsewhere than in the class folders of one ``train/`` and ``test/``."""
    roots = sorted({parts[:-3] for parts in seen})
    if len(roots) > 1:
        first, second = ("/".join([*root, "train"]) for root in roots[:2])
        raise BadInput(f"image folder {str(path)!r} has class folders in two places, {first} and {second} ({LAYOUT})")
    if not roots:
        return
    root = roots[0]
    for parts in strays:
        inside, name = parts[len(root) :], "/".join(parts)
        if parts[: len(root)] != root or not inside:
            continue
        if len(inside) == 1 or inside[0] in PARTS:
            raise _misplaced(path, name)
        if inside[0].lower() in _OTHER_PARTS:
            raise _another_part(path, name)
    empty = sorted(parts for parts in classes - {parts[:-1] for parts in seen} if parts[:-2] == root)
    if empty:
        raise _empty_class(path, "/".join(empty[0]))


def _misplaced(path: Path, name: str) -> BadInput:
    return BadInput(f"image folder {str(path)!r}: {name} does not lie directly in a class folder ({LAYOUT})")


def _other_kind(path: Path, name: str) -> BadInput:
    return BadInput(
        f"image folder {str(path)!r}: {name} is of a kind that is not read ({kinds_text()}): convert it, or take it away"
    )


def _another_part(path: Path, name: str) -> BadInput:
    return BadInput(f"image folder {str(path)!r}: {name} would be left out ({LAYOUT}): move it, or take it away")


def _empty_class(path: Path, name: str) -> BadInput:
    return BadInput(f"image folder {str(path)!r}: class {name} has no pictures: add some, or remove the folder")
