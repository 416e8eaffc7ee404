"""A token server for a registry, as the distribution project specifies it: who logs in gets a signed token for what the
account may do, and for no more. It tells nobody when it grants less than was asked, as real ones do.
"""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

ISSUER = "token server of the tests"
SERVICE = "registry of the tests"


@dataclass(frozen=True)
class Account:
    """An account at a registry."""

    name: str
    password: str
    # Repositories below these may be pulled, where a token server decides; `None` is all, and pushing too.
    folders: tuple[str, ...] | None = None

    def granted(self, repository: str, wanted: list[str]) -> list[str]:
        """What of the wanted actions the account may do."""
        if self.folders is None:
            return wanted
        mine = any(repository.startswith(f"{folder}/") for folder in self.folders)
        return [action for action in wanted if mine and action == "pull"]


@dataclass(frozen=True)
class TokenServer:
    """A running one: the `realm` for challenges, and the certificate that the registry is to trust."""

    realm: str
    certificate: Path
    # The names of the accounts that logged in, each time.
    logins: list[str]


@contextlib.contextmanager
def token_server(folder: Path, accounts: list[Account]) -> Iterator[TokenServer]:
    """A token server for these accounts, on a free port of the loopback."""
    signer = Signer()
    certificate = folder / "token-server.pem"
    certificate.write_bytes(signer.certificate.public_bytes(serialization.Encoding.PEM))
    logins: list[str] = []
    known = {account.name: account for account in accounts}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            account = self.account()
            if account is None:
                self.answer(401, {"errors": [{"code": "UNAUTHORIZED", "message": "incorrect username or password"}]})
                return
            logins.append(account.name)
            scopes = parse_qs(urlsplit(self.path).query).get("scope", [])
            token = signer.token(account, [scope for several in scopes for scope in several.split()])
            self.answer(200, {"token": token, "access_token": token, "expires_in": LIFETIME})

        def account(self) -> Account | None:
            scheme, _, encoded = self.headers.get("authorization", "").partition(" ")
            name, _, password = base64.b64decode(encoded).decode().partition(":")
            account = known.get(name)
            return account if scheme == "Basic" and account and account.password == password else None

        def answer(self, status: int, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield TokenServer(f"http://127.0.0.1:{server.server_port}/token", certificate, logins)
        finally:
            server.shutdown()


class Signer:
    """A key with a certificate of its own, which signs tokens by RS256."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ISSUER)])
        now = datetime.now(UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(self._key, hashes.SHA256())
        )

    def token(self, account: Account, scopes: list[str]) -> str:
        """A token for what the account may do of the scopes, each `repository:NAME:ACTION,ACTION`."""
        access = []
        for scope in scopes:
            kind, _, rest = scope.partition(":")
            name, _, actions = rest.rpartition(":")
            granted = account.granted(name, actions.split(","))
            if kind == "repository" and granted:
                access.append({"type": kind, "name": name, "actions": granted})
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "sub": account.name,
            "aud": SERVICE,
            "iat": now,
            "nbf": now - 10,
            "exp": now + LIFETIME,
            "jti": secrets.token_hex(16),
            "access": access,
        }
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        header = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der).decode()]}
        signed = f"{part(json.dumps(header).encode())}.{part(json.dumps(claims).encode())}"
        return f"{signed}.{part(self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def part(data: bytes) -> str:
    """A part of a token."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


# Seconds.
LIFETIME = 300
