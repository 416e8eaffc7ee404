"""A way between a replica and a server of the database, on which answers can be made slow, or nothing passes at all.

What nothing passes on holds what was sent, as a network does whose packets are sent again: it arrives late, a COMMIT,
too.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator

from waiting import free_port


class Passage:
    """One way, to one port."""

    def __init__(self, to: int) -> None:
        self.port = free_port()
        self._to = to
        self._delay = 0.0
        self._open = asyncio.Event()
        self._open.set()

    async def serve(self) -> None:
        """Takes connections."""
        await asyncio.start_server(self._connected, "127.0.0.1", self.port)

    def set(self, *, delay: float, open: bool) -> None:
        """Holds back each piece of an answer for so many seconds, and everything while it is not open."""
        self._delay = delay
        if open:
            self._open.set()
        else:
            self._open.clear()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._open.wait()
        try:
            their_reader, their_writer = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        pumps = self._pump(reader, their_writer, False), self._pump(their_reader, writer, True)
        await asyncio.gather(*pumps)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: bool) -> None:
        try:
            while piece := await reader.read(65536):
                if answers and self._delay:
                    await asyncio.sleep(self._delay)
                await self._open.wait()
                writer.write(piece)
                await writer.drain()
            await self._open.wait()
            writer.close()
        except OSError:
            await self._open.wait()
            writer.transport.abort()


class Passages:
    """All of them, in a thread of their own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="passages", daemon=True)
        self._thread.start()
        self._all: list[Passage] = []

    def make(self, to: int) -> Passage:
        """A way that is open."""
        passage = Passage(to)
        asyncio.run_coroutine_threadsafe(passage.serve(), self._loop).result(10)
        self._all.append(passage)
        return passage

    @contextlib.contextmanager
    def slow(self, seconds: float) -> Iterator[None]:
        """Answers take that much longer."""
        self.set(self._all, delay=seconds)
        try:
            yield
        finally:
            self.set(self._all)

    @contextlib.contextmanager
    def closed(self) -> Iterator[None]:
        """Nothing passes, and nobody is told."""
        self.set(self._all, open=False)
        try:
            yield
        finally:
            self.set(self._all)

    def set(self, passages: list[Passage], *, delay: float = 0.0, open: bool = True) -> None:
        """How something passes on these."""

        async def all_at_once() -> None:
            for passage in passages:
                passage.set(delay=delay, open=open)

        asyncio.run_coroutine_threadsafe(all_at_once(), self._loop).result(10)

    def end(self) -> None:
        """Ends the connections, and the thread."""

        async def end_all() -> None:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end_all(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
