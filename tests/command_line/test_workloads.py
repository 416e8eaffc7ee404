"""Jobs and apps at the command line: what the session does not show."""

from __future__ import annotations

from pathlib import Path

from person import Person, assert_failed
from regcred_service import ADMIN, ADMIN_PASSWORD, Server, unique
from stand_in import StandIn

IMAGE = "--image ghcr.io/team/app:1"


def test_one_that_is_named_by_its_id_is_not_looked_for_in_a_list(platform: StandIn, somebody: Person) -> None:
    """A list may be too long to be told; what is in it can be changed and deleted all the same."""
    for kind, listing in (("job", "jobs"), ("app", "project")):
        made = somebody.do(f"{kind} create nightly {IMAGE} -o name").strip()
        lists = platform.count(listing)
        somebody.do(f"{kind} upgrade {made} {IMAGE}")
        somebody.do(f"{kind} delete {made} --yes")
        assert platform.count(listing) == lists

        # What only looks like an id is a name.
        name = "00000000-0000-4000-8000-000000000000"
        somebody.do(f"{kind} create {name} {IMAGE}")
        somebody.do(f"{kind} delete {name} --yes")
        assert_failed(somebody.run(f"{kind} delete {made} --yes"), 3, f'there is no {kind} "{made}" in the project')


def test_a_job_whose_credentials_are_gone_gets_others_or_none(server: Server, tmp_path: Path) -> None:
    person, project = Person(tmp_path), unique("project")
    login = f"login {server.url} --user {ADMIN} --realm {server.realm} --platform {server.platform}"
    person.do(f"{login} --quiet --password-stdin", ADMIN_PASSWORD)
    person.do(f"project create {project}")
    create = f"credentials create --project {project} --username bot --registry ghcr.io --password-stdin -o name"
    own = person.do(create, "pw").strip()
    person.do(f"job create nightly --project {project} {IMAGE} --credentials {own}")
    person.do(f"credentials delete --project {project} --id {own} --yes --force")

    upgrade = f"job upgrade nightly --project {project} {IMAGE}"
    assert_failed(person.run(upgrade), 8, own, "`--credentials ID`", "`--no-credentials`")
    absent = person.run(f"job create other --project {project} {IMAGE} --credentials {own}")
    assert_failed(absent, 8, own, "`--credentials ID`")
    person.do(f"{upgrade} --no-credentials")
