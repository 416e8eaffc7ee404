"""The command line as whole processes, against regcred and against a stand-in of the original platform.

Run with `REGCRED_BIN=<regcred> REGCRED_SDK_EXAMPLE=<the example docker_credentials of regcred-client> python -m pytest
tests/command_line`. `UPDATE_TRANSCRIPT=1` writes the transcript of the session anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from person import Person
from stand_in import StandIn, platform_stand_in

collect_ignore = [] if os.environ.get("PLATFORM_DEFINITION") else ["test_published_definition.py"]


@pytest.fixture
def platform() -> Iterator[StandIn]:
    """The stand-in, for one test alone."""
    with platform_stand_in() as stand_in:
        yield stand_in


@pytest.fixture
def somebody(platform: StandIn, tmp_path: Path) -> Person:
    """Somebody who has logged in there."""
    person = Person(tmp_path)
    person.log_in(platform)
    return person
