"""A terminal with somebody at it: what they type goes in, what they see comes out."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator

from person import Person
from regcred_service import TIMEOUT

CTRL_C = "\x03"


class Terminal:
    """A process that has the terminal for itself, as a shell gives it."""

    def __init__(self, keyboard: int, process: subprocess.Popen[str], before: list[object]) -> None:
        self._keyboard = keyboard
        self._before = before
        self.process = process
        self.seen = ""

    def wait_for(self, text: str) -> None:
        """Waits until the text is on the screen."""
        deadline = time.monotonic() + TIMEOUT
        while text not in self.seen:
            left = deadline - time.monotonic()
            assert left > 0, f"{text!r} does not come: {self.seen!r}"
            if not self._read(left):
                break
        assert text in self.seen, f"{text!r} did not come: {self.seen!r}"

    @property
    def text(self) -> str:
        """What is on the screen, without its colours."""
        return re.sub(r"\x1b\[[0-9;]*m", "", self.seen)

    def type(self, text: str) -> None:
        """Types; what a key such as Ctrl-C does, the terminal does."""
        os.write(self._keyboard, text.encode())

    def end(self) -> int:
        """Waits for the end of the process; its exit code. A signal that killed it is a negative number."""
        deadline = time.monotonic() + TIMEOUT
        while self._read(deadline - time.monotonic()):
            assert time.monotonic() < deadline, f"it does not end: {self.seen!r}"
        code = self.process.wait(TIMEOUT)
        assert termios.tcgetattr(self._keyboard) == self._before, "the terminal is not as it was"
        return code

    def type_until_end(self, text: str) -> int:
        """Types it until the process ends: two signals of a kind that come at once may count as one."""
        for _ in range(TIMEOUT):
            self.type(text)
            # Not faster: a Ctrl-C throws away what is not on the screen yet.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(1)
                return self.end()
        raise AssertionError(f"it does not end: {self.seen!r}")

    def _read(self, seconds: float) -> bool:
        """Reads what came; whether anything did, or may still."""
        # The end of a process shows neither on a terminal that others have open, nor to `select`.
        ready, _, _ = select.select([self._keyboard], [], [], min(seconds, 0.05))
        if not ready:
            return self.process.poll() is None
        try:
            came = os.read(self._keyboard, 1 << 16)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return False
        self.seen += came.decode(errors="replace").replace("\r\n", "\n")
        return bool(came)


@contextlib.contextmanager
def at_terminal(person: Person, command: str, columns: int = 100) -> Iterator[Terminal]:
    """Runs `regcred COMMAND` at a terminal of its own."""
    keyboard, screen = pty.openpty()
    try:
        fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        before = termios.tcgetattr(screen)
        process = person.with_variables(TERM="xterm").start(
            command,
            stdin=screen,
            stdout=screen,
            stderr=screen,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        with process:
            try:
                yield Terminal(keyboard, process, before)
            finally:
                process.kill()
    finally:
        os.close(screen)
        os.close(keyboard)
