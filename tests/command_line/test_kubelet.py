"""`kubelet config`: what it prints for nodes, and what `--check` finds that the kubelet refuses, or takes without ever asking."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from person import Person, assert_failed

DOCUMENTED = Path(__file__).parents[2] / "docs" / "helpers.md"


@pytest.fixture
def somebody(tmp_path: Path) -> Person:
    return Person(tmp_path, {"REGCRED_URL": "https://regcred.example"})


def checked(person: Person, text: str) -> tuple[int, dict[str, list[str]]]:
    """The exit code, and what was said by its state."""
    (person.home / "providers.yaml").write_text(text)
    ran = person.run("kubelet config --check providers.yaml -o json")
    told: dict[str, list[str]] = {}
    for check in json.loads(ran.out):
        told.setdefault(check["state"], []).append(check["message"])
    return ran.code, told


def test_what_is_printed_and_what_is_documented_is_good(somebody: Person) -> None:
    printed = somebody.do("kubelet config --match-image ghcr.io --match-image docker.io")
    documented = re.search(r"^```yaml\n(apiVersion: kubelet.*?)^```", DOCUMENTED.read_text(), re.DOTALL | re.MULTILINE)
    assert documented
    for text in (printed, documented[1]):
        code, told = checked(somebody, text)
        assert code == 0 and set(told) == {"ok"}, told


@pytest.mark.parametrize(
    ("good", "bad", "told"),
    [
        ("5m0s", "5 minutes", 'defaultCacheDuration is "5 minutes", which is no duration'),
        ("5m0s", "PT5M", "no duration"),
        ("5m0s", "300", "no duration"),
        ("5m0s", "-1s", "less than nothing"),
        ("- ghcr.io", "- index.docker.io", "never matches"),
        ("- ghcr.io", "- library/nginx", "begins with no host"),
        ("- ghcr.io", "- ghcr.io/Team", "upper case in its path"),
        ("- ghcr.io", "- bot@ghcr.io", "a login before its host"),
        ("  env:", "  tokenAttributes: {audience: x}\n  env:", '"audience"'),
        ("  env:", "  tokenAttributes: {audience: x}\n  env:", "requireServiceAccount of tokenAttributes is missing"),
        ("providers:\n", "providers:\n- {name: other, apiVersion: v9}\n", 'provider "other": apiVersion is "v9"'),
        ("providers:\n", "providers:\n- {name: regcred-kubelet-provider}\n", "stands there twice"),
    ],
)
def test_what_the_kubelet_refuses_or_never_asks_for_is_wrong(somebody: Person, good: str, bad: str, told: str) -> None:
    printed = somebody.do("kubelet config --match-image ghcr.io")
    assert good in printed
    code, found = checked(somebody, printed.replace(good, bad, 1))
    assert code == 2
    assert any(told in message for message in found["wrong"]), found


@pytest.mark.parametrize("duration", ["5m", "1m30s", "300s", "0s"])
def test_durations_are_those_of_the_kubelet(somebody: Person, duration: str) -> None:
    printed = somebody.do("kubelet config --match-image ghcr.io")
    code, told = checked(somebody, printed.replace("5m0s", duration))
    assert code == 0 and set(told) == {"ok"}, told


@pytest.mark.parametrize(
    ("url", "flags", "told"),
    [
        ("http://127.0.0.1:8080", "", "on each node is that node itself"),
        ("https://localhost", "", "on each node is that node itself"),
        ("https://regcred.example", "--token-file token", "give an absolute path"),
    ],
)
def test_what_nodes_cannot_use_is_warned_of(tmp_path: Path, url: str, flags: str, told: str) -> None:
    person = Person(tmp_path, {"REGCRED_URL": url})
    ran = person.run(f"kubelet config --match-image ghcr.io {flags}")
    assert ran.code == 0 and re.fullmatch(r"warning: .*\n", ran.err) and told in ran.err
    code, found = checked(person, ran.out)
    assert code == 0 and len(found["warning"]) == 1, found


def test_an_official_image_of_the_hub_lies_in_library(somebody: Person) -> None:
    code, told = checked(somebody, somebody.do("kubelet config --match-image docker.io/nginx"))
    assert code == 0 and "docker.io/library/nginx" in told["warning"][0]
    # Of an account, as regcred's own patterns are written.
    assert set(checked(somebody, somebody.do("kubelet config --match-image docker.io/team/"))[1]) == {"ok"}
    assert_failed(somebody.run("kubelet config --match-image nginx"), 2, "docker.io/library")
