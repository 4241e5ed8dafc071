"""Benchmarks answer a wrong call as the command line does: one line, status 2."""

from __future__ import annotations

import sys

import pytest

from benchmarks import claims_null, cluster_fill, search_quality

WRONG = [
    (claims_null, ["--studies", "0"], "--studies", "'0' is not allowed (allowed: whole numbers from 1)"),
    (claims_null, ["--candidates", "x"], "--candidates", "'x' is not allowed (allowed: whole numbers from 1)"),
    (claims_null, ["--images", "nan"], "--images", "'nan' is not allowed (allowed: finite numbers from 0)"),
    (cluster_fill, ["--slots", "0"], "--slots", "'0' is no count (allowed: whole numbers from 1)"),
    (search_quality, ["run", "--seeds", "1.5"], "--seeds", "'1.5' is no count (allowed: whole numbers from 1)"),
    (search_quality, [], "RUN_DIR", "required"),
]


@pytest.mark.parametrize(("module", "words", "where", "what"), WRONG, ids=lambda each: str(each)[-40:])
def test_a_wrong_call_is_one_line(
    module, words: list[str], where: str, what: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [module.__name__, *words, "--json"])
    with pytest.raises(SystemExit) as ended:
        module.main()
    said = capsys.readouterr()
    assert ended.value.code == 2 and said.out == "" and said.err.count("\n") == 1
    assert where in said.err and what in said.err
