"""A real OpenID Connect provider on loopback, npm's `oidc-provider`, and tokens from it.

Node and npm are prerequisites. npm installs into the user's cache, from a lock file with hashes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, Request, build_opener

from filelock import FileLock
from joserfc import jwt
from joserfc.jwk import RSAKey
from platformdirs import user_cache_path

from alchemesh_platform.machine.servers.ports import free_port

SOURCE = Path(__file__).parent / "provider"
CLIENT = "alchemesh"
CALLBACK = "http://127.0.0.1:1/callback"
VERIFIER = "a-verifier-of-at-least-forty-three-characters-as-pkce-asks"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
AMELIA = "amelia@airport.example"


@dataclass
class Issuer:
    """The provider while it runs."""

    url: str
    key: RSAKey
    process: subprocess.Popen[str] = field(repr=False)

    def token(self, email: str = AMELIA, client: str = CLIENT) -> str:
        """An ID token, by the authorization code flow with PKCE, as a browser and a client go through it."""
        browser = build_opener(HTTPCookieProcessor(CookieJar()), _Stop)
        challenge = hashlib.sha256(VERIFIER.encode()).digest()
        asked = {
            "client_id": client,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": "openid email",
            "login_hint": email,
            "code_challenge": _base64url(challenge),
            "code_challenge_method": "S256",
        }
        code = _follow(browser, f"{self.url}/auth?{urlencode(asked)}")["code"][0]
        form = {
            "grant_type": "authorization_code",
            "client_id": client,
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        with build_opener().open(Request(f"{self.url}/token", urlencode(form).encode())) as answer:
            return str(json.load(answer)["id_token"])

    def enter(self, address: str, email: str = AMELIA) -> None:
        """Enter a device code, as a user does in a browser."""
        browser = build_opener(HTTPCookieProcessor(CookieJar()))
        with browser.open(address) as page:
            text = page.read().decode()
        for _ in range(3):  # the code, then its confirmation
            fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', text))
            if "xsrf" not in fields:
                return
            fields["confirm"] = "yes"
            action = re.search(r'action="([^"]+)"', text)
            url = urljoin(address, action[1]) if action else address
            with browser.open(Request(url, urlencode(fields).encode())) as page:
                text = page.read().decode()

    def signed(self, claims: dict[str, Any], header: dict[str, Any] | None = None, key: Any = None) -> str:
        """A token of these claims, by default signed with the provider's own key."""
        default = {"alg": "RS256", "kid": self.key.kid}
        return jwt.encode(default if header is None else header, claims, self.key if key is None else key)

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Claims as the provider issues them, with changes; None omits a claim."""
        now = int(time.time())
        whole = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": AMELIA,
            "email": AMELIA,
            "email_verified": True,
            "iat": now,
            "exp": now + 3600,
            **changed,
        }
        return {name: value for name, value in whole.items() if value is not None}

    def stop(self) -> None:
        """Stop the provider."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextmanager
def running_issuer(folder: Path, *, port: int | None = None, key: RSAKey | None = None) -> Iterator[Issuer]:
    """The provider, started and stopped."""
    key = key or RSAKey.generate_key(2048, auto_kid=True)
    port = port or free_port("127.0.0.1")
    configuration = {
        "port": port,
        "jwks": {"keys": [{**key.as_dict(private=True), "use": "sig", "alg": "RS256"}]},
        "clients": [
            {
                "client_id": name,
                "redirect_uris": [CALLBACK],
                "token_endpoint_auth_method": "none",
                "grant_types": ["authorization_code", DEVICE],
                "response_types": ["code"],
                "application_type": "native",
            }
            for name in (CLIENT, "another")
        ],
    }
    file = folder / f"issuer-{time.monotonic_ns()}.json"
    file.write_text(json.dumps(configuration))
    process = subprocess.Popen(
        ["node", SOURCE / "server.mjs", file],
        cwd=_installed(),
        stdout=subprocess.PIPE,
        stderr=(folder / "issuer.log").open("w"),
        text=True,
    )
    issuer = Issuer(f"http://127.0.0.1:{port}", key, process)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line == "ready\n", (folder / "issuer.log").read_text()
        yield issuer
    finally:
        issuer.stop()


@cache  # also for a test with a separate cache folder
def _installed() -> Path:
    """The folder of node's modules, installed once for each lock file."""
    lock = (SOURCE / "package-lock.json").read_bytes()
    folder = user_cache_path("alchemesh", appauthor=False) / "test-oidc" / hashlib.sha256(lock).hexdigest()[:16]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not (folder / "ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for name in ("package.json", "package-lock.json"):
                shutil.copy(SOURCE / name, folder)
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder, check=True)
            (folder / "ready").touch()
    return folder


class _Stop(HTTPRedirectHandler):
    """Does not follow redirects: the last one goes to a client that does not run."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _follow(browser: Any, url: str) -> dict[str, list[str]]:
    """The answer at the client's address, after every redirect."""
    for _ in range(10):
        try:
            with browser.open(url) as page:
                raise AssertionError(f"no redirect: {page.read(2000)!r}")
        except HTTPError as redirect:
            with redirect:
                location = redirect.headers["Location"]
                assert location, f"{redirect.code}: {redirect.read(2000)!r}"
        url = urljoin(url, location)
        if url.startswith(CALLBACK):
            return parse_qs(urlsplit(url).query)
    raise AssertionError("redirected in a circle")


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
