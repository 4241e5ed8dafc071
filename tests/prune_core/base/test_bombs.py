"""Files made to exhaust a machine: each ends in one line, under a limit of memory that reading them would break.

The payloads are inert: zeros, and headers that declare more than there is.
"""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

ROOM = 400 << 20
"""Bytes that a reader may take beyond its imports."""
BIG = 3 * 10**9
GUARD = """
import json, resource, sys
import numpy, pandas, pyarrow.parquet, torch, PIL.Image, yaml, safetensors.torch
from pathlib import Path
from prune_core.base.errors import BadInput
from prune_core.data import load_dataset, class_folders
from prune_core.evaluation.logits import LogitSet
from prune_core.networks.checkpoint_files import read_state_dict
from prune_core.base.files import read_json
from prune_core.base.trial_folder import read_outcome
from sweeps.records.table_file import read_table
PIL.Image.init()
pages = int(open("/proc/self/statm").read().split()[0])
most = pages * resource.getpagesize() + int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_AS, (most, most))
for line in sys.stdin:
    place, code = json.loads(line)
    try:
        exec(code, {**globals(), "path": Path(place)})
        answer = "it was read"
    except BadInput as error:
        answer = str(error)
    except BaseException as error:
        answer = f"{type(error).__name__}: {error}"
    print(json.dumps(answer), flush=True)
"""


@pytest.fixture(scope="module", name="reader")
def _reader() -> Iterator[subprocess.Popen[str]]:
    """A process that has imported everything and may take no more than `ROOM` from then on."""
    argv = [sys.executable, "-c", GUARD, str(ROOM)]
    root = Path(__file__).parents[3]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        yield process
        process.kill()


@pytest.fixture(name="said")
def _said(reader: subprocess.Popen[str]) -> Callable[[Path, str], str]:
    def said(path: Path, code: str) -> str:
        assert reader.stdin is not None and reader.stdout is not None
        reader.stdin.write(json.dumps([str(path), code]) + "\n")
        reader.stdin.flush()
        answer = str(json.loads(reader.stdout.readline()))
        assert "\n" not in answer
        return answer

    return said


Said = Callable[[Path, str], str]


def load(name: str) -> str:
    return f"load_dataset(f'{name}:{{path}}', cache=path.parent / 'cache')"


def png(side: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


class _Zeros(io.RawIOBase):
    def read(self, count: int = -1) -> bytes:
        return b"\0" * count


def tar_of(path: Path, name: str, size: int, kind: bytes = tarfile.REGTYPE) -> Path:
    with tarfile.open(path, "w:gz", compresslevel=9) as archive:
        good = tarfile.TarInfo("train/a/1.png")
        good.size = len(png(16))
        archive.addfile(good, io.BytesIO(png(16)))
        member = tarfile.TarInfo(name)
        member.size, member.type = size, kind
        archive.addfile(member, _Zeros())
    return path


def test_a_huge_picture_in_a_small_archive(tmp_path: Path, said: Said) -> None:
    path = tar_of(tmp_path / "d.tar.gz", "train/a/2.png", 3 * 10**8)
    assert path.stat().st_size < 2_000_000
    assert "a file of 300 MB (allowed: pictures of up to 256 MB)" in said(path, load("image_folder"))


def test_a_header_without_end(tmp_path: Path, said: Said) -> None:
    path = tar_of(tmp_path / "d.tar.gz", "x", 10**7, tarfile.GNUTYPE_LONGNAME)
    assert "a header of more than 1 MB" in said(path, load("image_folder"))


def test_a_sparse_picture_of_a_terabyte(tmp_path: Path, said: Said) -> None:
    headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "train/a/2.png"}
    headers["GNU.sparse.realsize"] = str(10**12)
    sparse = b"1\n0\n0\n".ljust(512, b"\0")
    with tarfile.open(tmp_path / "d.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("train/a/GNUSparseFile.0/2.png")
        member.size, member.pax_headers = len(sparse), headers
        archive.addfile(member, io.BytesIO(sparse))
    assert "2.png is a file of 1,000 GB" in said(tmp_path / "d.tar", load("image_folder"))


@pytest.mark.parametrize("side", [10_000, 30_000, 2**31 - 1])
def test_a_picture_of_too_many_pixels(tmp_path: Path, said: Said, side: int) -> None:
    picture = tmp_path / "d" / "train" / "a" / "1.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(png(side))
    assert "has too many pixels (allowed: pictures of up to 80,000,000" in said(tmp_path / "d", load("image_folder"))


def test_more_pictures_than_fit_into_memory(tmp_path: Path, said: Said) -> None:
    folder = tmp_path / "d" / "train" / "a"
    folder.mkdir(parents=True)
    Image.new("RGB", (8000, 8000)).save(folder / "0.png")
    for number in range(1, 6):
        (folder / f"{number}.png").write_bytes((folder / "0.png").read_bytes())
    line = said(tmp_path / "d", load("image_folder"))
    assert "not fit into this machine's memory" in line or "is not a readable picture" in line


def head(shape: str, kind: str = "|u1") -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": kind, "fortran_order": False, "shape": eval(shape)})
    return stream.getvalue()


def npz(path: Path, **members: bytes | int) -> Path:
    """Write members as they are; a number is so many zeros of an array of bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            with file.open(f"{name}.npy", "w", force_zip64=True) as stream:
                if isinstance(content, bytes):
                    stream.write(content)
                    continue
                stream.write(head(f"({content},)"))
                for _ in range(content // 10**7):
                    stream.write(b"\0" * 10**7)
    return path


def good(count: int = 4) -> dict[str, bytes]:
    images, labels = head(f"({count}, 16, 16, 1)") + bytes(256 * count), head(f"({count},)") + bytes(count)
    return {"images": images, "labels": labels}


def test_members_that_nobody_asked_for_are_not_read(tmp_path: Path, said: Said) -> None:
    path = npz(tmp_path / "f.npz", **good(), junk=5 * 10**8)
    code = f"data = {load('arrays')}; raise BadInput(f'{{len(data.train_labels)}} images')"
    assert "4 images" in said(path, code)


@pytest.mark.parametrize(
    ("members", "part"),
    [
        ({"images": head("(10**12, 16, 16, 1)") + bytes(1024)}, "declares another size than it has"),
        ({"images": head("(4, 16, 16, 1)", "<U100000000") + bytes(1024)}, "declares another size than it has"),
        ({"images": b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31) + b" " * 1000}, "not a readable .npz"),
        ({"images": 5 * 10**8}, "memory"),
    ],
)
def test_array_heads_that_lie(tmp_path: Path, said: Said, members: dict[str, bytes | int], part: str) -> None:
    assert part in said(npz(tmp_path / "f.npz", **{**good(), **members}), load("arrays"))


def test_kept_logits_that_lie(tmp_path: Path, said: Said) -> None:
    path = npz(
        tmp_path / "report.npz", labels=head("(2,)") + b"\0\1", clean=head("(10**12, 10)", "<f4"), cell_index=head("(0,)")
    )
    assert "declares another size" in said(path, "LogitSet.load(path)")


def test_a_checkpoint_that_was_compressed(tmp_path: Path, said: Said) -> None:
    torch.save({"state_dict": {"w": torch.zeros(10)}}, tmp_path / "small.pt")
    with (
        zipfile.ZipFile(tmp_path / "small.pt") as small,
        zipfile.ZipFile(tmp_path / "b.pt", "w", zipfile.ZIP_DEFLATED) as big,
    ):
        for member in small.infolist():
            data = small.read(member)
            big.writestr(
                member.filename, b"\0" * (5 * 10**8) if "/data/0" in member.filename else data, zipfile.ZIP_DEFLATED
            )
    line = said(tmp_path / "b.pt", "read_state_dict(path)")
    assert "holds 500 MB in a file of" in line and "uncompressed" in line
    assert "1 tensors" in said(tmp_path / "small.pt", "raise BadInput(f'{len(read_state_dict(path))} tensors')")


def test_json_that_is_nested_or_large(tmp_path: Path, said: Said) -> None:
    path = tmp_path / "outcome.json"
    for text in ("[" * 200_000, '{"a":' * 200_000, "9" * 10_000):
        path.write_text(text)
        assert "None" in said(path, "raise BadInput(str(read_outcome(path.parent)))")
    with path.open("wb") as stream:
        stream.truncate(BIG)
    assert "None" in said(path, "raise BadInput(str(read_outcome(path.parent)))")
    path.write_text(json.dumps({"status": "complete"}))
    assert "complete" in said(path, "raise BadInput(str(read_outcome(path.parent)))")


def test_tables_that_unpack_to_more(tmp_path: Path, said: Said) -> None:
    path = tmp_path / "records.parquet"
    pq.write_table(pa.table({"a": pa.array(np.zeros(20_000_000, np.int8))}), path)
    assert "20,000,000 rows (allowed: up to 2,000,000)" in said(path, "read_table(path)")
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(1_000_000, np.int32)), pa.array(["x" * 10**6]))
    pq.write_table(pa.table({"a": text}), path, store_schema=False)
    assert path.stat().st_size < 2_000_000
    assert "in memory" in said(path, "read_table(path)")
    path.write_bytes(b"PAR1 no table PAR1")
    assert "cannot be read" in said(path, "read_table(path)")
