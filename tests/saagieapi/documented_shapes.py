"""The shapes that the client's documentation promises: what writes answer, and what reads then show."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any

Credentials = dict[str, Any]


def assert_written(written: Credentials, registry: str | None, username: str) -> None:
    """The answer of create and update: four fields, the registry as it was given, microseconds with a zone."""
    assert written.keys() == {"id", "registry", "username", "lastUpdate"}
    assert (written["registry"], written["username"]) == (registry, username)
    assert UUID.fullmatch(written["id"]), written
    assert WRITTEN_MOMENT.fullmatch(written["lastUpdate"]), written


def as_read(written: Credentials) -> Credentials:
    """What every later read must show of what was written: the same, the moment in milliseconds, and jobs."""
    moment = WRITTEN_MOMENT.fullmatch(written["lastUpdate"])
    assert moment, written
    return {**written, "lastUpdate": f"{moment['milliseconds']}Z", "jobs": []}


def moment_of(written: Credentials) -> datetime:
    """When the credentials were last written."""
    naive = datetime.strptime(written["lastUpdate"], "%Y-%m-%dT%H:%M:%S.%fZ[UTC]")
    return naive.replace(tzinfo=timezone.utc)


def right(group: str, role: str) -> dict[str, Any]:
    """A group's role in one project, as `get_rights` lists it."""
    return {"name": group, "role": f"ROLE_PROJECT_{role.upper()}", "isAllProjects": False}


UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# As in the documentation of the class: 2022-04-26T14:20:17.138482Z[UTC]
WRITTEN_MOMENT = re.compile(r"(?P<milliseconds>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})\d{3}Z\[UTC\]")
