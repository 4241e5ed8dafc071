from __future__ import annotations

import os
import subprocess
import sys

_SCRIPT = """
import atexit, threading, time
from sweeps.cli.ending import end_process

class Freed:
    def __del__(self):
        print("taken apart")

def work():
    time.sleep(0.2)
    print("a thread ended")

kept = Freed()
atexit.register(lambda: print("left in order"))
threading.Thread(target=work).start()
print("said", end=" ")
end_process(3)
"""


def test_threads_end_exit_handlers_run_and_what_was_printed_is_written() -> None:
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "said a thread ended\nleft in order\n", "")


def test_what_nobody_could_read_is_no_success() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    script = "from sweeps.cli.ending import end_process\nprint('said')\nend_process(0)"
    command, late = [sys.executable, "-c", script], {**os.environ, "PYTHONUNBUFFERED": ""}
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False, env=late)
    os.close(writer)
    assert (done.returncode, done.stderr) == (120, "")
