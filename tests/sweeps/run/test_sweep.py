"""What ends one Ray of a sweep: a Ray that was lost is told from an error of Tune's."""

from __future__ import annotations

import pytest

from sweeps.engine.session import LostRay
from sweeps.run.sweep import Sweep


@pytest.mark.parametrize(("lost", "expected"), [(LostRay("gone"), "LostRay"), (None, "TuneError")])
def test_what_a_callback_raises_is_not_taken_for_an_error_of_tune(lost: LostRay | None, expected: str) -> None:
    from ray.tune.error import TuneError

    sweep = object.__new__(Sweep)
    with pytest.raises((LostRay, TuneError)) as raised, sweep._ray_errors():
        sweep._ray_lost = lost
        raise TuneError("Traceback of what the callback raised")
    assert type(raised.value).__name__ == expected
