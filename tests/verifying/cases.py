"""The cases: a server, credentials for it, and the verdict that is to come of them."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from certificates import Authority, self_signed
from odd_server import OddServer, Script, answer, asks_for_password, odd_server
from registries import ROBOT, TEAM_A, Registry, open_registry, password_registry
from token_server import Account

WRONG = Account(ROBOT.name, "a password that is wrong")
NOBODY = Account("nobody", ROBOT.password)


@dataclass
class Places:
    """Every server by its name, and what the operator allows for them."""

    hosts: dict[str, str] = field(default_factory=dict)
    odd: dict[str, OddServer] = field(default_factory=dict)
    rules: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Case:
    """Credentials of `account` for the server `at`, and what is said of them."""

    at: str
    account: Account
    verdict: str
    # A repository from which they are to be able to pull.
    probe: str | None = None

    @property
    def name(self) -> str:
        """For reports."""
        who = "a wrong password" if self.account == WRONG else self.account.name
        return f"{self.at}, {who}" + (f", {self.probe}" if self.probe else "")


REAL = [
    Case("open", ROBOT, "UNVERIFIABLE"),
    Case("open", WRONG, "UNVERIFIABLE"),
    Case("with passwords", ROBOT, "OK"),
    Case("with passwords", WRONG, "REJECTED"),
    Case("with passwords", NOBODY, "REJECTED"),
    Case("with passwords", ROBOT, "OK", "team/app"),
    Case("with tokens", ROBOT, "OK"),
    Case("with tokens", WRONG, "REJECTED"),
    Case("with tokens", NOBODY, "REJECTED"),
    # The token server grants less than was asked without a word.
    Case("with tokens", ROBOT, "OK", "team/app"),
    Case("with tokens", ROBOT, "NO_PULL_RIGHT", "team-a/app"),
    Case("with tokens", TEAM_A, "OK", "team-a/app"),
    Case("with tokens", TEAM_A, "NO_PULL_RIGHT", "teamwork/app"),
    Case("of a private authority", ROBOT, "OK"),
    Case("of a private authority", WRONG, "REJECTED"),
    Case("of an authority that is not given", ROBOT, "UNREACHABLE"),
    Case("of another address", ROBOT, "UNREACHABLE"),
    Case("run out", ROBOT, "UNREACHABLE"),
    Case("self-signed", ROBOT, "UNREACHABLE"),
    Case("gone", ROBOT, "UNREACHABLE"),
]


def endless() -> Iterator[bytes]:
    """Headers without an end."""
    yield b"HTTP/1.1 401 No\r\n"
    yield from itertools.repeat(b"x-filler: " + b"y" * 8000 + b"\r\n")


def flood(status: int, **headers: str) -> Iterator[bytes]:
    """A body that goes on as long as it is taken."""
    yield answer(status, **headers).replace(b"content-length: 0", b"transfer-encoding: chunked")
    yield from itertools.repeat(b"10000\r\n" + b"z" * 0x10000 + b"\r\n")


ASKS = answer(401, www_authenticate="Basic")
# Of each its script, the verdict, and how often it is given the password.
ODD: dict[str, tuple[Script | None, str, int]] = {
    "429 at once": (lambda _: [answer(429, retry_after="60")], "RATE_LIMITED", 0),
    "429 at the login": (asks_for_password([answer(429)]), "RATE_LIMITED", 1),
    "500 at once": (lambda _: [answer(500)], "UNREACHABLE", 0),
    "500 at the login": (asks_for_password([answer(500)]), "UNREACHABLE", 1),
    "503 at the login": (asks_for_password([answer(503, retry_after="1")]), "UNREACHABLE", 1),
    "403 at the login": (asks_for_password([answer(403)]), "REJECTED", 1),
    "no registry": (lambda _: [answer(404, b"<html>")], "UNVERIFIABLE", 0),
    "a login page": (lambda _: [answer(302, location="/login")], "UNVERIFIABLE", 0),
    "a login page at the login": (asks_for_password([answer(302, location="/login")]), "UNVERIFIABLE", 1),
    "silent": (None, "UNREACHABLE", 0),
    "another protocol": (lambda _: [b"SSH-2.0-OpenSSH_9.2\r\n"] * 3, "UNREACHABLE", 0),
    "zeros": (lambda _: [bytes(10_000)], "UNREACHABLE", 0),
    "headers without end": (lambda _: endless(), "UNREACHABLE", 0),
    "one huge header": (lambda _: [answer(401, www_authenticate="Basic", x="y" * (4 << 20))], "UNREACHABLE", 0),
    "a body without end": (lambda _: flood(401, www_authenticate="Basic"), "UNVERIFIABLE", 0),
    "a body without end at the login": (
        lambda request: flood(200) if b"authorization: Basic " in request else [ASKS],
        "UNVERIFIABLE",
        1,
    ),
}


def places(
    stack: contextlib.ExitStack, folder: Path, passwords: Registry, tokens: Registry
) -> Places:
    """Starts them all, but for the two that run already."""
    found = Places()
    own = Authority(folder)
    enter = stack.enter_context

    def of(name: str) -> Path:
        place = folder / name.replace(" ", "-")
        place.mkdir()
        return place

    def add(name: str, host: str, **rule: Any) -> None:
        found.hosts[name] = host
        found.rules.append({"host": host, "allow-private": True, **rule})

    # What the token server says of itself is the address of another port.
    realm = urlsplit(tokens.realm or "").netloc
    add("open", enter(open_registry(of("open"))).host, **PLAIN)
    add("with passwords", passwords.host, **PLAIN)
    add("with tokens", tokens.host, **PLAIN, **{"realm-hosts": [realm]})
    found.rules.append({"host": realm, "allow-private": True, **PLAIN})

    trusted = {"ca": str(own.certificate)}
    good = enter(password_registry(of("good"), own.pair("good")))
    add("of a private authority", good.host, **trusted)
    add("of an authority that is not given", enter(password_registry(of("not given"), own.pair("not-given"))).host)
    other = own.pair("other", "127.0.0.9")
    add("of another address", enter(password_registry(of("other"), other)).host, **trusted)
    ended = own.pair("ended", ended=True)
    add("run out", enter(password_registry(of("ended"), ended)).host, **trusted)
    alone = self_signed(folder, "alone")
    add("self-signed", enter(password_registry(of("alone"), alone)).host, **trusted)
    with odd_server(None) as gone:
        add("gone", gone.host, **PLAIN)

    for name, (script, _, _) in ODD.items():
        found.odd[name] = enter(odd_server(script))
        add(name, found.odd[name].host, **PLAIN)
    # Where nobody listed anything: another address of this machine.
    found.odd["not listed"] = enter(odd_server(asks_for_password([answer(200)]), "127.0.0.2"))
    found.hosts["not listed"] = found.odd["not listed"].host
    return found


PLAIN = {"allow-http": True}
