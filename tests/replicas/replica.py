"""`regcred serve` as one of several replicas, or as the one process with a directory: killed, frozen, started again."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
from pathlib import Path

from regcred_service import ADMIN, ADMIN_PASSWORD, binary
from waiting import free_port, until


class Replica:
    """A service with a port of its own, which it keeps."""

    def __init__(self, name: str, folder: Path, store: list[str]) -> None:
        self.name = name
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"{name}.log"
        self._store = store
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def make_admin(self) -> None:
        """Makes the installation, with its admin."""
        command = [binary(), "user", "create", ADMIN, "--admin", "--password-stdin", *self._store]
        subprocess.run(command, env=environment(), input=ADMIN_PASSWORD, text=True, check=True, timeout=60)

    def verify_trail(self) -> int:
        """How many events there are in the audit trail, which is intact."""
        command = [binary(), "audit", "verify", *self._store]
        ran = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False, timeout=120)
        told = re.search(r"the audit trail is intact: (\d+) events", ran.stdout)
        assert ran.returncode == 0 and told, ran
        return int(told[1])

    def start(self) -> None:
        """Starts it, without waiting."""
        command = ["setpriv", "--pdeathsig", "KILL", binary(), "serve", "--listen", f"127.0.0.1:{self.port}"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *self._store], env=environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def wait_until_ready(self, seconds: float = 30) -> float:
        """Waits until it can serve; how long that took."""
        return until(lambda: self.get("/readyz") == 200, seconds, f"{self.name} is ready")

    def kill(self) -> None:
        """`kill -9`."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def terminate(self) -> None:
        """Ends it in good order."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(15)

    def freeze(self) -> None:
        """Stops it where it is."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def end(self) -> None:
        """Kills it, in whatever state it is."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def memory(self) -> float:
        """MiB that it has in memory."""
        status = (Path("/proc") / str(self.pid) / "status").read_text()
        told = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert told, status
        return int(told[1]) / 1024

    def get(self, path: str, port: int | None = None, timeout: float = 15) -> int | None:
        """The status of a page; none where nothing answers."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=timeout)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()


def environment() -> dict[str, str]:
    """Without the settings of whoever runs the tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith("REGCRED_")}
