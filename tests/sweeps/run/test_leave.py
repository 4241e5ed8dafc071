"""What a driver that ends at once leaves on the terminal."""

from __future__ import annotations

import os
import sys

import pytest

from sweeps.run.leave import end_view


@pytest.mark.parametrize(("term", "seen"), [("xterm", b"\r\n\x1b[?25h."), ("dumb", b".")])
def test_a_terminal_whose_live_view_is_left_at_once_has_its_cursor_back(
    monkeypatch: pytest.MonkeyPatch, term: str, seen: bytes
) -> None:
    monkeypatch.setenv("TERM", term)
    user, terminal = os.openpty()
    with os.fdopen(user, "rb", buffering=0) as shown, os.fdopen(terminal, "w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        end_view()
        monkeypatch.undo()
        os.write(terminal, b".")
        read = b""
        while not read.endswith(b"."):  # a terminal passes on in pieces
            read += shown.read(100)
        assert read == seen


def test_an_output_that_is_no_terminal_gets_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    end_view()
    assert capfd.readouterr().out == ""
