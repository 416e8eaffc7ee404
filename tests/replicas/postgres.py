"""A primary of PostgreSQL with a synchronous standby: killed, stopped, frozen, and swapped.

PostgreSQL refuses to run as root, who becomes the user that Debian's package brings for it. Nothing is synced to the
disk: what is killed here are processes, and what they wrote to files the system keeps.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

from waiting import free_port, until


class Node:
    """One server, with a folder and a port of its own, which it keeps."""

    def __init__(self, folder: Path, password: str) -> None:
        self.port = free_port()
        self.data = folder / "data"
        self._folder = folder
        self._password = password
        self._process: subprocess.Popen[bytes] | None = None

    def make(self, database: str, role: str) -> None:
        """Makes it a primary with an empty database of that role, and starts it."""
        secret = self._folder / "password"
        secret.write_text(self._password)
        give(secret)
        words = ["--pgdata", self.data, "--username", SUPERUSER, "--pwfile", secret, "--auth", "scram-sha-256"]
        self._run("initdb", *words, "--encoding", "UTF8", "--locale", "C", "--no-sync", "--wal-segsize", "4")
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write(SETTINGS)
        self._role("")
        self.start()
        self.query(f"CREATE ROLE {role} LOGIN PASSWORD '{self._password}'")
        self.query(f"CREATE DATABASE {database} OWNER {role} TEMPLATE template0 ENCODING 'UTF8'")

    def follow(self, primary: Node) -> None:
        """Makes it a standby of the primary, from a fresh copy, and starts it."""
        shutil.rmtree(self.data, ignore_errors=True)
        source = ["--host", HOST, "--port", str(primary.port), "--username", SUPERUSER, "--checkpoint", "fast"]
        self._run("pg_basebackup", "--pgdata", self.data, *source, "--wal-method", "stream", "--no-sync")
        way = f"host={HOST} port={primary.port} user={SUPERUSER} password={self._password} application_name={STANDBY}"
        self._role(f"primary_conninfo = '{way}'\n")
        (self.data / "standby.signal").touch()
        give(self.data / "standby.signal")
        self.start()

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        own = {"listen_addresses": HOST, "port": self.port, "unix_socket_directories": self._folder}
        options = [word for name, value in own.items() for word in ("-c", f"{name}={value}")]
        log = (self._folder / "log").open("ab")
        # Should the tests be killed, it stops, too.
        command = [*become("--pdeathsig", "QUIT"), programs() / "postgres", "-D", self.data, *options]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")
        log.close()
        until(self.answers, 30, "PostgreSQL answers")

    def answers(self) -> bool:
        """Whether it answers."""
        return self._psql("SELECT 1").returncode == 0

    def query(self, sql: str, database: str = "postgres") -> list[str]:
        """What a statement gives, without bound to its rows; columns stand apart by `|`."""
        ran = self._psql(sql, database)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.splitlines()

    def kill(self) -> None:
        """`kill -9` of all its processes at once, as if its machine were gone."""
        assert self._process is not None
        # The first one must not make others meanwhile.
        self.freeze()
        for pid in self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def freeze(self) -> None:
        """Stops all its processes where they are: it takes connections, and says nothing."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        self._signal_others(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets them go on."""
        assert self._process is not None
        self._signal_others(signal.SIGCONT)
        os.kill(self._process.pid, signal.SIGCONT)

    def stop_at_once(self) -> None:
        """`pg_ctl stop -m immediate`: without putting anything in order."""
        self._run("pg_ctl", "stop", "--pgdata", self.data, "--mode", "immediate", "--wait")
        assert self._process is not None
        self._process.wait()
        self._process = None

    def end(self) -> None:
        """Stops it, in whatever state it is."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def promote(self) -> None:
        """Makes a standby a primary that waits for no standby, for it has none yet."""
        self._run("pg_ctl", "promote", "--pgdata", self.data, "--wait", "--timeout", "20")

    def demand_standby(self) -> None:
        """Has each commit wait until the standby has it."""
        self._role(f"synchronous_standby_names = '{STANDBY}'\n")
        self.query("SELECT pg_reload_conf()")

    def demand_nothing(self) -> None:
        """Has commits wait for nobody."""
        self._role("")
        self.query("SELECT pg_reload_conf()")

    def _role(self, settings: str) -> None:
        (self.data / "role.conf").write_text(settings)
        give(self.data / "role.conf")

    def _processes(self) -> list[int]:
        assert self._process is not None
        first = self._process.pid
        return [first, *(pid for pid in all_processes() if parent(pid) == first)]

    def _signal_others(self, number: signal.Signals) -> None:
        for pid in self._processes()[1:]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _psql(self, sql: str, database: str = "postgres") -> subprocess.CompletedProcess[str]:
        words = ["--host", HOST, "--port", str(self.port), "--username", SUPERUSER, "--dbname", database]
        command = [programs() / "psql", "--no-psqlrc", "--tuples-only", "--no-align", *words, "--command", sql]
        return subprocess.run(command, env=self._environment(), capture_output=True, text=True, timeout=60, check=False)

    def _run(self, program: str, *words: object) -> None:
        command = [*become(), str(programs() / program), *map(str, words)]
        ran = subprocess.run(
            command, env=self._environment(), cwd="/", capture_output=True, text=True, timeout=120, check=False
        )
        assert ran.returncode == 0, ran

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "LC_ALL": "C", "PGPASSWORD": self._password, "PGCONNECT_TIMEOUT": "5"}


class Cluster:
    """A primary whose commits wait for its standby."""

    def __init__(self, folder: Path) -> None:
        password = uuid.uuid4().hex
        self.nodes = []
        for name in ("one", "other"):
            place = folder / name
            place.mkdir()
            give(place)
            self.nodes.append(Node(place, password))
        self.primary, self.standby = self.nodes
        self.account = f"{ROLE}:{password}"
        self.primary.make(DATABASE, ROLE)
        self.replace_standby()

    def query(self, sql: str) -> list[str]:
        """What a statement gives in regcred's database."""
        return self.primary.query(sql, DATABASE)

    def promote(self) -> None:
        """Makes the standby the primary; the one before must be dead."""
        self.standby.promote()
        self.primary, self.standby = self.standby, self.primary

    def replace_standby(self) -> None:
        """Makes what was the primary a standby, and has the commits wait for it as soon as it is no longer behind."""
        self.standby.follow(self.primary)
        self.wait_for_standby("streaming", "async")
        self.primary.demand_standby()
        self.wait_for_standby("streaming", "sync")

    def wait_for_standby(self, state: str, kind: str) -> None:
        """Waits until the standby is in that state."""
        sql = f"SELECT state || ' ' || sync_state FROM pg_stat_replication WHERE application_name = '{STANDBY}'"
        until(lambda: self.primary.query(sql) == [f"{state} {kind}"], 30, f"the standby is {state} {kind}")

    def leader(self) -> str | None:
        """The replica that holds the lead, by the name of its session."""
        sql = (
            "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE locktype = 'advisory' AND granted"
            f" AND classid = {LEAD >> 32} AND objid = {LEAD & 0xFFFF_FFFF} AND objsubid = 1"
        )
        holders = self.query(sql)
        assert len(holders) <= 1, holders
        return holders[0] if holders else None

    def end(self) -> None:
        """Stops both."""
        for node in self.nodes:
            node.end()


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """A cluster that is gone afterwards."""
    # The folders of pytest are closed to the other user.
    folder = Path(tempfile.mkdtemp(prefix="regcred-replicas-", dir="/tmp"))
    give(folder)
    running = None
    try:
        running = Cluster(folder)
        yield running
    finally:
        if running is not None:
            running.end()
        shutil.rmtree(folder, ignore_errors=True)


def programs() -> Path:
    """The folder of the server's programs: that in `PG_BIN`, or Debian's newest."""
    if chosen := os.environ.get("PG_BIN"):
        return Path(chosen)
    there = [folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if (folder / "initdb").exists()]
    assert there, "PG_BIN is not set, and Debian's PostgreSQL is not there"
    return max(there, key=lambda folder: float(folder.parent.name))


def become(*more: str) -> list[str]:
    """The words before a program that runs as whoever may run PostgreSQL."""
    other = ["--reuid", OTHER_USER, "--regid", OTHER_USER, "--init-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *other, *more] if other or more else []


def give(path: Path) -> None:
    """Makes it theirs."""
    if os.geteuid() == 0:
        shutil.chown(path, OTHER_USER, OTHER_USER)


def all_processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def parent(pid: int) -> int | None:
    try:
        # The name before it may hold blanks and brackets.
        return int((Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None


HOST = "127.0.0.1"
OTHER_USER = "postgres"
SUPERUSER = "keeper"
ROLE = "regcred"
DATABASE = "regcred"
STANDBY = "standby"
# "rclead" in ASCII: the lock of the replica that leads.
LEAD = 0x72636C656164
SETTINGS = """
fsync = off
max_connections = 200
shared_buffers = 32MB
wal_keep_size = 64MB
wal_retrieve_retry_interval = 200ms
max_wal_senders = 10
synchronous_commit = on
include = 'role.conf'
"""
