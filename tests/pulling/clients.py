"""The programs that pull images, one of each family."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from machine import Machine, Ran

CLIENTS: dict[str, Callable[[Machine, str], Ran]] = {
    "skopeo": Machine.inspect,
    "docker": Machine.manifest,
    "syft": Machine.syft,
    "oras": Machine.oras,
    "podman": Machine.podman,
}


def marks_of(client: str) -> list[pytest.MarkDecorator]:
    """All must be there but podman, of whose libraries skopeo is made, too."""
    is_missing = client == "podman" and shutil.which(client) is None
    return [pytest.mark.skip(reason="podman is not on the path")] if is_missing else []
