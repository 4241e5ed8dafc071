from __future__ import annotations

import sys
from pathlib import Path

import pytest

from prune_core.base.errors import BadInput
from prune_core.base.plugins import import_plugins


@pytest.fixture(autouse=True)
def _path_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))


def test_the_first_folder_comes_first_and_a_folder_that_is_known_stays_in_its_place(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "plugin_found_twice.py").write_text(f"HERE = {name!r}\n")
    known = sys.path[0]
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    import_plugins(["plugin_found_twice"], [one, two, known, one])
    assert sys.modules["plugin_found_twice"].HERE == "one"
    assert sys.path[:3] == [one, two, known] and sys.path.count(one) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, r"plugins: plugin_case_0 cannot be imported: ModuleNotFoundError: .* \(looked in .* installed\)$"),
        ("import no_such_library_here", r"cannot be imported: ModuleNotFoundError: No module named 'no_such_library_here'$"),
        ("1 +", r"cannot be imported: SyntaxError: .*"),
        ("raise RuntimeError('two\\nlines')", r"cannot be imported: RuntimeError: two lines$"),
        ("import sys; sys.exit(3)", r"cannot be imported: SystemExit: 3$"),
    ],
)
def test_a_module_that_cannot_be_imported_is_one_line(tmp_path: Path, text: str | None, said: str) -> None:
    name = "plugin_case_0" if text is None else f"plugin_case_{abs(hash(text))}"
    if text is not None:
        (tmp_path / f"{name}.py").write_text(text)
    with pytest.raises(BadInput, match=said) as raised:
        import_plugins([name], [str(tmp_path)])
    assert "\n" not in str(raised.value)
