"""A stand-in of the original platform: what a client of regcred's meets where the server is not regcred.

It speaks the platform's protocol and nothing of regcred's own: no `me`, no users, no service tokens, no members. A login
wants the realm; the token is a JWT, bare; 401, 404 and merged slashes are the platform's; refusals look like those of
the Java library that the platform is built with. It has knobs for tests, and it remembers what it was asked.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    execute,
    parse,
    validate,
)

from stand_in_data import Kept, Project, Refusal, Root

ACCOUNTS = {"admin": "the admin's password of the tests", "mia": "mia's password of the tests"}


@dataclass(frozen=True)
class Asked:
    """A request that came in. `operation` is the field at the root of its document, `login`, or a path."""

    operation: str
    token: str | None
    document: str = ""
    variables: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Instead:
    """What a hook answers in place of the platform; see `StandIn.before`."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    # The length that is announced, where it is not that of the body.
    length: int | None = None
    # Break off without any answer.
    cut: bool = False


Hook = Callable[[Asked], Instead | None]


class StandIn:
    """The platform's data, its sessions, and the knobs. All that is public may be used while it serves."""

    def __init__(self, platform: str, realm: str) -> None:
        self.platform = platform
        self.realm = realm
        self.url = ""
        self.projects: dict[str, Project] = {}
        self.asked: list[Asked] = []
        self.hook: Hook | None = None
        self._tokens: dict[str, str] = {}
        self._lock = threading.Lock()
        self.add_project("demo")

    def add_project(self, name: str) -> Project:
        """A new project of the admin's, made behind every client's back."""
        project = Project(name, "admin", None)
        self.projects[project.id] = project
        return project

    def project(self, name: str) -> Project:
        """The project of this name."""
        return next(project for project in self.projects.values() if project.name == name)

    def add_credentials(self, project: Project, username: str, registry: str | None = None) -> Kept:
        """New credentials, made behind every client's back."""
        kept = Kept(registry, username, "a password from before")
        project.credentials[kept.id] = kept
        return kept

    def tokens(self) -> list[str]:
        """The tokens that count."""
        return list(self._tokens)

    def expire_all_tokens(self) -> None:
        """Ends every session."""
        self._tokens.clear()

    def count(self, operation: str) -> int:
        """How often it was asked this."""
        return sum(asked.operation == operation for asked in self.asked)

    @contextlib.contextmanager
    def before(self, hook: Hook) -> Iterator[None]:
        """Lets a hook see every request before it is carried out: it may wait, or say what to answer instead."""
        self.hook = hook
        try:
            yield
        finally:
            self.hook = None

    def log_in(self, realm: str | None, body: Any) -> Instead:
        """The answer to a login."""
        login, password = body.get("login"), body.get("password")
        if realm != self.realm or login not in ACCOUNTS or ACCOUNTS[login] != password:
            return Instead(401, b'{"error":"Unauthorized"}', JSON)
        parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": login, "realm": realm, "jti": uuid.uuid4().hex})
        token = ".".join([*(base64url(json.dumps(part).encode()) for part in parts), base64url(uuid.uuid4().bytes)])
        self._tokens[token] = login
        return Instead(200, token.encode(), {"content-type": "text/plain"})

    def login_of(self, token: str | None) -> str | None:
        """Whose token it is, where it counts."""
        return self._tokens.get(token or "")

    def answer(self, schema: GraphQLSchema, login: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to a GraphQL request."""
        try:
            document = parse(body["query"])
        except GraphQLError as error:
            return refused([error], "InvalidSyntax")
        if errors := validate(schema, document):
            return refused(errors, "ValidationError")
        with self._lock:
            done = execute(
                schema,
                document,
                Root(self.projects, login),
                variable_values=body.get("variables"),
                operation_name=body.get("operationName"),
            )
        if done.errors:
            return refused(done.errors, "ValidationError")
        return {"data": done.data}


def refused(errors: list[GraphQLError], otherwise: str) -> dict[str, Any]:
    """Errors as graphql-java writes them, those of the platform's own with their code beside."""
    shown = []
    for error in errors:
        locations = [{"line": place.line, "column": place.column} for place in error.locations or ()]
        if isinstance(error.original_error, Refusal):
            extensions = {"classification": "DataFetchingException", "code": error.original_error.code}
            shown.append({"message": error.message, "locations": locations, "path": error.path, "extensions": extensions})
        else:
            message = f"Validation error : {error.message}"
            shown.append({"message": message, "locations": locations, "extensions": {"classification": otherwise}})
    return {"data": None, "errors": shown}


@contextlib.contextmanager
def platform_stand_in(platform: str = "6", realm: str = "saagie") -> Iterator[StandIn]:
    """A stand-in on a free port of the loopback, with an empty project `demo`."""
    stand_in = StandIn(platform, realm)
    handler = type("StandInHandler", (Handler,), {"stand_in": stand_in})
    with Threads(("127.0.0.1", 0), handler) as http:
        stand_in.url = f"http://127.0.0.1:{http.server_address[1]}"
        serving = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        try:
            yield stand_in
        finally:
            http.shutdown()
            serving.join()


class Threads(ThreadingHTTPServer):
    """Ends without waiting for connections that clients keep open."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nothing to report: some tests kill it."""


class Handler(BaseHTTPRequestHandler):
    """HTTP of the platform: three paths, all of them POST. Whatever else is asked for is not there."""

    protocol_version = "HTTP/1.1"
    # Head and body leave as two writes; without this the second waits for the client's acknowledgement.
    disable_nagle_algorithm = True
    stand_in: StandIn

    def do_POST(self) -> None:
        self.serve(json.loads(self.rfile.read(int(self.headers.get("content-length", 0)))))

    def do_GET(self) -> None:
        self.serve({})

    def serve(self, sent: dict[str, Any]) -> None:
        path = re.sub("/+", "/", self.path)
        login = path == "/authentication/api/open/authenticate"
        token = (self.headers.get("authorization") or "").removeprefix("Bearer ") or None
        variables = {} if login else sent.get("variables") or {}
        # What is no GraphQL is another server's own; it is known by its path.
        operation = "login" if login else root_field(sent["query"]) if "query" in sent else path
        asked = Asked(operation, token, sent.get("query", ""), variables)
        self.stand_in.asked.append(asked)
        hook = self.stand_in.hook
        self.reply((hook(asked) if hook else None) or self.answer(path, token, sent))

    def answer(self, path: str, token: str | None, sent: dict[str, Any]) -> Instead:
        stand_in = self.stand_in
        if path == "/authentication/api/open/authenticate":
            return stand_in.log_in(self.headers.get("saagie-realm"), sent)
        login = stand_in.login_of(token)
        if login is None:
            return Instead(401, b'{"error":"Unauthorized"}', JSON)
        schemas = {
            f"/projects/api/platform/{stand_in.platform}/graphql": PLATFORM,
            "/gateway/api/graphql": GATEWAY,
        }
        if path not in schemas:
            return Instead(404, b'{"timestamp":1,"status":404,"error":"Not Found"}', JSON)
        return Instead(200, json.dumps(stand_in.answer(schemas[path], login, sent)).encode(), JSON)

    def reply(self, answer: Instead) -> None:
        if answer.cut:
            self.close_connection = True
            # Both ways, at once: whoever waits for the answer is told that there will be none.
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        length = len(answer.body) if answer.length is None else answer.length
        self.send_header("content-length", str(length))
        self.end_headers()
        self.wfile.write(answer.body)
        self.close_connection |= length != len(answer.body)

    def log_message(self, format: str, *args: Any) -> None:
        """What was asked is in `StandIn.asked`."""


def root_field(document: str) -> str:
    """The name of the one field at the root of a document; what cannot be read has none."""
    try:
        definition = parse(document).definitions[0]
    except GraphQLError:
        return ""
    assert isinstance(definition, OperationDefinitionNode)
    return definition.selection_set.selections[0].name.value


def base64url(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def schema_of(name: str) -> GraphQLSchema:
    """A schema of a file beside this one."""
    schema = build_schema((Path(__file__).parent / name).read_text())
    uuid_scalar = schema.type_map["UUID"]
    assert isinstance(uuid_scalar, GraphQLScalarType)
    uuid_scalar.parse_value = lambda value: str(uuid.UUID(value))
    technology: Any = schema.type_map.get("Technology")
    technology.resolve_type = lambda value, _info, _kind: value["__typename"]
    return schema


PLATFORM, GATEWAY = schema_of("platform.graphql"), schema_of("gateway.graphql")
JSON = {"content-type": "application/json"}
