"""A server on the loopback that answers as no registry should, byte for byte, and keeps what was sent to it."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

# What is said to a request, part by part, as long as it is taken; and then the connection ends, unless it is to hang.
Script = Callable[[bytes], Iterable[bytes]]


@dataclass
class OddServer:
    """A running one."""

    # Address and port.
    host: str
    seen: list[bytes] = field(default_factory=list)

    def logins(self, username: str, password: str) -> int:
        """How often the password came, in whatever form."""
        pair = base64.b64encode(f"{username}:{password}".encode())
        return sum(request.count(pair) + request.count(password.encode()) for request in self.seen)


@contextlib.contextmanager
def odd_server(script: Script | None, address: str = "127.0.0.1") -> Iterator[OddServer]:
    """A server with a script for each request; without one it listens and says nothing, not even good-bye."""
    over = threading.Event()
    with socket.create_server((address, 0)) as listening:
        server = OddServer(f"{address}:{listening.getsockname()[1]}")

        def serve(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                connection.settimeout(30)
                while request := connection.recv(1 << 16):
                    server.seen.append(request)
                    if script is None:
                        over.wait()
                        return
                    for part in script(request):
                        if over.is_set():
                            return
                        connection.sendall(part)

        def accept() -> None:
            # The port is closed at the end.
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    threading.Thread(target=serve, args=[connection], daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield server
        finally:
            over.set()
            # A thread that waits in `accept` holds the port open.
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)


def answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    """A whole answer over HTTP."""
    lines = [f"HTTP/1.1 {status} Told", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def asks_for_password(then: Iterable[bytes]) -> Script:
    """Asks for Basic, and says this to whoever brings it."""
    parts = list(then)
    return lambda request: parts if b"authorization: Basic " in request else [answer(401, www_authenticate="Basic")]
