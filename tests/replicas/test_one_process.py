"""The one process with a directory: killed under load and started again, it is the same register."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

from judging import SQLITE, Books, judge
from load import Load
from project import Project
from regcred_service import Server
from replica import Replica
from scale import SCALE


def test_nothing_is_lost_and_nothing_made_twice(tmp_path: Path, figure: Callable[[str], None]) -> None:
    data = tmp_path / "data"
    process = Replica("process", tmp_path, ["--data-dir", str(data)])
    process.make_admin()
    process.start()
    try:
        process.wait_until_ready()
        project = Project(Server(process.url, "1", "any", process.pid, process.log))
        with Load(project, [process.port]) as load:
            for _ in range(SCALE.process_kills):
                load.settle()
                process.kill()
                process.start()
                process.wait_until_ready()
            load.settle()
        process.terminate()
        events = process.verify_trail()
    finally:
        process.end()
    with contextlib.closing(sqlite3.connect(next(data.glob("*.db")))) as database:
        books = Books.read(lambda sql: [text for (text,) in database.execute(sql)], project.id, SQLITE)
    assert len(books.events) == events
    verdict = judge(load.operations, books, project.id)
    figure(f"SQLite, {SCALE.process_kills} kills: {verdict}")
    assert verdict.wrong == {}
