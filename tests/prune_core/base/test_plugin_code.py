"""Which modules a user's own code is made of, and what changes its digests."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from prune_core.base.plugin_code import NO_SOURCE, code_digests
from prune_core.base.registry import Registry


def write(folder: Path, sources: dict[str, str]) -> Path:
    for name, text in sources.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def test_a_module_alone(tmp_path: Path) -> None:
    write(tmp_path, {"net.py": "import json, torch\nfrom prune_core import build_network\n", "other.py": "x = 1\n"})
    expected = hashlib.sha256((tmp_path / "net.py").read_bytes()).hexdigest()
    assert code_digests("net", str(tmp_path / "net.py")) == {"net": expected}
    (tmp_path / "net.py").write_bytes((tmp_path / "net.py").read_bytes().replace(b"\n", b"\r\n"))
    assert code_digests("net", str(tmp_path / "net.py")) == {"net": expected}, "line endings are no code"
    (tmp_path / "net.py").write_text("import json\n")
    assert code_digests("net", str(tmp_path / "net.py")) != {"net": expected}


@pytest.mark.parametrize(
    "statement",
    [
        "import helper",
        "import helper as h",
        "from helper import block",
        "def build():\n    from helper import block\n",
        "try:\n    import helper\nexcept ImportError:\n    helper = None\n",
    ],
)
def test_a_helper_and_what_it_imports(tmp_path: Path, statement: str) -> None:
    write(tmp_path, {"net.py": statement, "helper.py": "import deeper\n", "deeper.py": "import net\n", "unused.py": ""})
    assert list(code_digests("net", str(tmp_path / "net.py"))) == ["deeper", "helper", "net"]


def test_a_package_counts_what_the_module_imports_and_not_its_siblings(tmp_path: Path) -> None:
    sources = {
        "__init__": "from mine import net, prune\n",
        "net": "from .blocks import block\nfrom ..mine.parts import deep\n",
        "blocks": "",
        "prune": "",
        "parts/__init__": "from . import one\n",
        "parts/one": "",
        "parts/two": "",
        "parts/deep": "",
    }
    write(tmp_path, {f"mine/{name}.py": text for name, text in sources.items()})
    found = code_digests("mine.net", str(tmp_path / "mine" / "net.py"))
    assert {"mine.net", "mine.blocks"} <= set(found) and not {"mine.prune", "mine"} & set(found)
    whole = code_digests("mine", str(tmp_path / "mine" / "__init__.py"))
    assert {"mine", "mine.net", "mine.prune", "mine.blocks"} <= set(whole)
    parts = code_digests("mine.parts", str(tmp_path / "mine" / "parts" / "__init__.py"))
    assert list(parts) == ["mine.parts", "mine.parts.one"]


def test_a_helper_in_another_folder_of_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "plugins", {"net.py": "import shared_blocks\n"})
    write(tmp_path / "lib", {"shared_blocks.py": "x = 1\n"})
    monkeypatch.syspath_prepend(str(tmp_path / "lib"))
    assert list(code_digests("net", str(tmp_path / "plugins" / "net.py"))) == ["net", "shared_blocks"]


def test_an_installed_package_counts_itself_and_not_its_neighbours(tmp_path: Path) -> None:
    wide = "import numbers_of\nfrom nets import base\n"
    sources = {"nets/__init__.py": "", "nets/wide.py": wide, "nets/base.py": "", "numbers_of.py": ""}
    site = write(tmp_path / "lib" / "site-packages", sources)
    found = code_digests("nets.wide", str(site / "nets" / "wide.py"))
    assert list(found) == ["nets", "nets.base", "nets.wide"]


def test_what_has_no_file_says_so_and_what_cannot_be_parsed_counts_as_it_is(tmp_path: Path) -> None:
    assert code_digests("typed_in", None) == {"typed_in": NO_SOURCE}
    (tmp_path / "broken.so").write_bytes(b"\x7fELF\x00")
    assert list(code_digests("broken", str(tmp_path / "broken.so"))) == ["broken"]


def test_a_registry_knows_whose_an_entry_is() -> None:
    things: Registry[int] = Registry("thing")
    things.register("mine")(1)
    things.register("shipped", "prune_core.networks.vgg")(2)
    assert __name__ in things.code("mine")
    assert things.code("shipped") == things.code("nobody's") == {}
