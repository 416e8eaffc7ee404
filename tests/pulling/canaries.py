"""The search for known secrets where none belongs: in files, and in the arguments and environments of processes."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import threading
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote


class Canaries:
    """Known secrets, by what they are called in the report."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._forms = {(name, form) for name, secret in secrets.items() for form in forms(secret)}

    def within(self, data: bytes, place: str) -> list[str]:
        """What is in there, and as what."""
        return [f"{name} is in {place} as {form!r}" for name, form in self._forms if form in data]

    def in_folder(self, folder: Path, *, but: Collection[Path] = ()) -> list[str]:
        """What is in the files of a folder and below it, but for these."""
        files = [file for file in folder.rglob("*") if file.is_file() and file not in but]
        assert files, f"{folder} has no file"
        return [hit for file in files for hit in self.within(file.read_bytes(), str(file))]

    @contextlib.contextmanager
    def in_processes(self) -> Iterator[list[str]]:
        """Looks at all other processes, again and again, until the block ends; the list fills."""
        found: list[str] = []
        over = threading.Event()

        def look() -> None:
            while not over.is_set():
                for process in Path("/proc").iterdir():
                    if process.name.isdigit() and process.name != str(os.getpid()):
                        for part in ("cmdline", "environ"):
                            # Most have ended by then, and some are nobody's business.
                            with contextlib.suppress(OSError):
                                data = (process / part).read_bytes()
                                found.extend(self.within(data, f"the {part} of {data[:60]!r}"))

        looker = threading.Thread(target=look)
        looker.start()
        try:
            yield found
        finally:
            over.set()
            looker.join()


def forms(secret: str) -> set[bytes]:
    """Each way in which a secret could have been written down."""
    raw = secret.encode()
    written = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(secret),
        quote(secret, safe=""),
        quote(secret, safe="").replace("%20", "+"),
        raw.hex(),
        raw.hex().upper(),
    }
    # At each offset in a longer text: without what the neighbours change.
    for offset in range(3):
        shifted = bytes(offset) + raw
        whole = shifted[: len(shifted) // 3 * 3]
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            written.add(encode(whole).decode()[[0, 2, 3][offset] :])
    return {form.encode() for form in written}
