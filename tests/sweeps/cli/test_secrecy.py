"""What Python prints by itself shows no credentials: tracebacks, of threads too, and log lines."""

from __future__ import annotations

import os
import subprocess
import sys

CODE = """
import logging, threading
from sweeps.cli.secrecy import hide_credentials
hide_credentials()
logging.warning("asked %s", "https://me:hunter2@h/")
logging.warning("asked %s %s", "too little")
try:
    raise ValueError("http://h/?token=hunter2")
except ValueError:
    logging.exception("it failed")
def fail():
    raise OSError("https://hunter2@h/ is away")
thread = threading.Thread(target=fail)
thread.start()
thread.join()
try:
    fail()
except OSError as error:
    raise RuntimeError("with ' my hunter2 ' from the environment") from error
"""


def test_tracebacks_and_log_lines() -> None:
    environment = {**os.environ, "MLFLOW_TRACKING_URI": "https://me: my hunter2 @h/"}
    ran = subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, text=True)
    assert ran.returncode == 1
    assert "hunter2" not in "".join(line for line in ran.stderr.splitlines() if "raise " not in line)
    for said in ("asked https://***@h/", "ValueError: http://h/?token=***", "OSError: https://***@h/ is away"):
        assert said in ran.stderr
    assert ran.stderr.count("Traceback") >= 4
