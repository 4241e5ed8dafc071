"""A live page on a free port of loopback, for the length of a test."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn


@contextmanager
def served(app) -> Iterator[int]:
    """Serve an application; yield its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(timeout=30)
        listener.close()


def signed_in(port: int, token: str) -> str:
    """Return the cookie that a visitor has after opening the printed address."""
    return get(port, f"/?token={token}")[2]["set-cookie"].split(";")[0]


def get(port: int, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    """Return status, text and headers of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, {name.lower(): value for name, value in answer.getheaders()}
