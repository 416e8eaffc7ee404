"""Each verdict as it is specified, within its bounds, and never more sure than what was seen."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from cases import ODD, REAL, Case, Places
from project import Project
from registries import ROBOT, Registry
from regcred_service import Server

CASES = [*REAL, *(Case(name, ROBOT, verdict) for name, (_, verdict, _) in ODD.items()), Case("not listed", ROBOT, "BLOCKED")]


@dataclass(frozen=True)
class Told:
    """What the caller got, after so many seconds."""

    verdict: str
    seconds: float


@pytest.fixture(scope="session")
def told(server: Server, everywhere: Places) -> Mapping[Case, Told]:
    """All cases, many at a time: some of them take ten seconds."""

    def run(case: Case) -> Told:
        host = everywhere.hosts[case.at]
        # A project of its own: credentials of one server have one password there.
        project = Project(server)
        credentials = project.keep(host, case.account.name, case.account.password)
        probe = f"{host}/{case.probe}:1.0" if case.probe else None
        start = time.monotonic()
        verdict = project.verify(credentials, probe)
        return Told(verdict, time.monotonic() - start)

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        return dict(zip(CASES, pool.map(run, CASES)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_verdict_is_the_one_that_was_proved(told: Mapping[Case, Told], case: Case) -> None:
    assert told[case].verdict == case.verdict
    assert told[case].seconds < BOUND + SLACK


@pytest.mark.parametrize("name", ODD)
def test_a_password_is_sent_only_where_it_is_asked_for(
    told: Mapping[Case, Told], everywhere: Places, name: str
) -> None:
    _, _, logins = ODD[name]
    assert everywhere.odd[name].logins(ROBOT.name, ROBOT.password) == logins


def test_where_it_is_not_allowed_nothing_is_sent(told: Mapping[Case, Told], everywhere: Places) -> None:
    assert everywhere.odd["not listed"].seen == []


def test_only_bad_passwords_are_called_bad(told: Mapping[Case, Told]) -> None:
    """Where the password is the right one, no trouble of the server's makes it a wrong one."""
    bad = {case.at for case in CASES if case.account == ROBOT and not case.probe and told[case].verdict == "REJECTED"}
    # It says so itself.
    assert bad == {"403 at the login"}


def test_the_token_server_is_asked_as_docker_asks_it(told: Mapping[Case, Told], asks_for_token: Registry) -> None:
    assert ROBOT.name in asks_for_token.logins


def test_the_log_has_no_password(told: Mapping[Case, Told], server: Server) -> None:
    log = server.log.read_text()
    assert "proved a login" in log
    for case in CASES:
        assert case.account.password not in log


# Seconds that a proof may take, and those besides of a busy machine that does many at once.
BOUND, SLACK = 10, 4
# Sixteen are under way at once.
AT_A_TIME = 12
