"""Load on the service: threads that create, upgrade and pull without a pause, and write down what came of each."""

from __future__ import annotations

import itertools
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator

from asking import Register, create, pull, upgrade
from history import Kind, Operation, Outcome
from project import Project


class Load:
    """Some registers that all threads write and pull, and new ones all the time. It runs from `with` to its end."""

    def __init__(self, project: Project, ports: list[int], *, busy: int = 6) -> None:
        project.ask(
            "mutation($id: UUID!) { done: editProject(project: {id: $id, gracePeriodDays: 0}) { id } }", id=project.id
        )
        self.project = project
        self._ports = itertools.cycle(ports)
        self._editor, self._puller = project.token("EDIT").text, project.token("PULL").text
        self._operations: list[Operation] = []
        self._registers: list[Register] = []
        self._numbers = itertools.count(1)
        self._stopping = threading.Event()
        self._broken: list[BaseException] = []
        # Since when, by thread.
        self._under_way: dict[int, float] = {}
        for _ in range(busy):
            assert self._create().outcome is Outcome.OK, self._operations[-1]
        self._busy = list(self._registers)
        steps = [self._upgrade] * UPGRADERS + [self._create] * CREATORS + [self._pull] * PULLERS
        self._threads = [threading.Thread(target=self._run, args=(step,), daemon=True) for step in steps]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a request hangs"
        if self._broken:
            raise self._broken[0]
        # What is there in the end is part of the history. It is asked for where and when everything is well again.
        for register in self._registers:
            for _ in range(100):
                if self._note(pull(next(self._ports), register)).outcome is Outcome.OK:
                    break
                time.sleep(0.1)
            else:
                raise AssertionError(f"{register.registry} cannot be pulled: {self._operations[-1]}")

    @property
    def operations(self) -> list[Operation]:
        """All that are over."""
        return list(self._operations)

    @property
    def width(self) -> int:
        """How many requests are under way at a time."""
        return len(self._threads)

    def since(self, moment: float) -> Iterator[Operation]:
        """Those that began at or after a moment and are over."""
        return (operation for operation in self.operations if operation.started >= moment)

    def settle(self, seconds: float = 10) -> None:
        """Waits until a second has gone by in which all that was asked succeeded, and something of each kind was."""
        begun = time.monotonic()
        while (now := time.monotonic()) - begun < seconds:
            latest = list(self.since(now - 1))
            fine = all(operation.outcome is Outcome.OK for operation in latest)
            # What takes longer is not well, either.
            quick = all(started > now - 1 for started in list(self._under_way.values()))
            if now - begun > 1 and fine and quick and len({operation.kind for operation in latest}) == len(Kind):
                return
            time.sleep(0.1)
        latest = [operation for operation in self.since(begun) if operation.outcome is not Outcome.OK]
        raise AssertionError(f"it is not well within {seconds} s, and refused {len(latest)}: {latest[-5:]}")

    def _run(self, step: Callable[[], Operation]) -> None:
        try:
            while not self._stopping.is_set():
                self._under_way[threading.get_ident()] = time.monotonic()
                operation = step()
                # Whoever is refused waits a moment.
                time.sleep(0.01 if operation.outcome is Outcome.OK else 0.05)
        except BaseException as error:
            self._broken.append(error)
            raise

    def _create(self) -> Operation:
        number = next(self._numbers)
        register = Register(f"r{number}.example.com", self.project.id, self._editor, self._puller)
        operation, id = create(next(self._ports), register, f"created-{uuid.uuid4().hex}")
        if id is not None:
            self._registers.append(Register(register.registry, register.project, register.editor, register.puller, id))
        return self._note(operation)

    def _upgrade(self) -> Operation:
        return self._note(upgrade(next(self._ports), random.choice(self._busy), f"upgraded-{uuid.uuid4().hex}"))

    def _pull(self) -> Operation:
        # What was created a moment ago is pulled, too.
        of = random.choice([self._busy, self._busy, self._registers[-3:]])
        return self._note(pull(next(self._ports), random.choice(of)))

    def _note(self, operation: Operation) -> Operation:
        self._operations.append(operation)
        return operation


UPGRADERS, CREATORS, PULLERS = 4, 1, 4
