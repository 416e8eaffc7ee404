"""How often and how long: a few minutes in every run of the tests, or what is promised."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Numbers and seconds."""

    failovers: int
    replica_kills: int
    process_kills: int
    frozen: float
    stopped: float
    blackholed: float
    # Each is a time by which answers of the database take longer.
    slowed: tuple[float, ...]
    # For so long the database is slow.
    slow_for: float
    # For so long each a replica hangs.
    hung: tuple[float, ...]


SHORT = Scale(
    failovers=3,
    replica_kills=1,
    process_kills=3,
    frozen=12,
    stopped=4,
    blackholed=8,
    slowed=(0.2,),
    slow_for=6,
    hung=(4,),
)
FULL = Scale(
    failovers=20,
    replica_kills=10,
    process_kills=50,
    frozen=60,
    stopped=60,
    blackholed=60,
    slowed=(0.2, 5.0),
    slow_for=60,
    hung=(1, 4, 8, 20),
)
SCALE = FULL if os.environ.get("SOAK_REPLICAS") else SHORT

# Seconds, as promised.
UNAVAILABLE_AT_MOST = 10.0
RECOVERED_WITHIN = 5.0
REVOKED_WITHIN = 5.0
TAKEN_OVER_WITHIN = 10.0
# What a request may take in all, whatever the database does: two for a place, ten for a change that is tried and found
# out about, two for a connection that is made in the last moment.
LONGEST_REQUEST = 15.0
# Where each answer of the database is late, but comes, the steps of a request add up.
LONGEST_SLOW_REQUEST = 30.0
# MiB by which a replica may be larger after an outage.
GROWN_AT_MOST = 24.0
