"""Replicas of regcred behind HAProxy, on a primary of PostgreSQL with a synchronous standby: all real, all killed.

Run with `REGCRED_BIN=<regcred> python -m pytest tests/replicas`. HAProxy is Debian's; PostgreSQL's programs are in the
folder that `PG_BIN` names, or where Debian puts them. With `SOAK_REPLICAS=1` everything takes as long, and happens as
often, as is promised. What was measured stands at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from installation import Installation, installation
from load import Load
from project import Project

figures: list[str] = []
Figure = Callable[[str], None]


@pytest.fixture(scope="session")
def figure() -> Figure:
    """Notes a figure, which is printed at the end."""
    return figures.append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what was measured."""
    for line in figures:
        terminalreporter.write_line(line)


@pytest.fixture(scope="session", autouse=True)
def without_proxies() -> Iterator[None]:
    """Python's clients honour proxies; none leads to the loopback."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("NO_PROXY", "127.0.0.1")
        yield


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The installation that all tests share."""
    with installation(tmp_path_factory.mktemp("replicas")) as running:
        yield running


@pytest.fixture
def everything(running: Installation) -> Iterator[Installation]:
    """The same, whole: all replicas serve, before and after each test, and then the trail is intact."""
    running.wait_until_whole()
    yield running
    running.wait_until_whole()
    running.replicas[0].verify_trail()


@pytest.fixture
def project(everything: Installation) -> Project:
    """A fresh project."""
    return everything.project()


@pytest.fixture
def through_balancer(everything: Installation, project: Project) -> Load:
    """Load as clients make it."""
    return Load(project, [everything.balancer.port])


@pytest.fixture
def on_replicas(everything: Installation, project: Project) -> Load:
    """Load on each replica, whether it is ready or not."""
    return Load(project, [replica.port for replica in everything.replicas])
