"""A receiver of webhooks: what regcred sends by itself, which only the replica that leads does."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """What arrived: the ids of deliveries, with the credentials that they are about."""

    def __init__(self) -> None:
        self.arrived: list[tuple[str, str]] = []
        self.url = ""

    def about(self, credentials: str) -> list[str]:
        """The ids of what arrived about these credentials."""
        return [id for id, about in list(self.arrived) if about == credentials]

    def take(self, id: str, body: dict[str, Any]) -> None:
        """Notes a delivery."""
        self.arrived.append((id, body["data"]["credentials"]["id"]))


@contextlib.contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver on the loopback."""
    received = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.take(self.headers["webhook-id"], json.loads(body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        received.url = f"http://127.0.0.1:{server.server_port}/"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield received
        server.shutdown()
