"""What every suite here shares: the service under test.

Run a suite with `REGCRED_BIN=<path of the regcred program> python -m pytest tests/NAME`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from regcred_service import Server, running


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The service under test, with an empty database; all tests of the run share it."""
    with pytest.MonkeyPatch.context() as environment:
        # The Python client honours proxies; none leads to the loopback.
        environment.setenv("NO_PROXY", "127.0.0.1")
        with running() as server:
            yield server
