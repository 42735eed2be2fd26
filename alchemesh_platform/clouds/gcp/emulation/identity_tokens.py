"""Identity tokens of the emulated cloud, signed by a key of its own: what `gcloud auth print-identity-token` prints.

``python -m alchemesh_platform.clouds.gcp.emulation.identity_tokens FOLDER EMAIL AUDIENCE`` prints one. FOLDER is the
emulated cloud of an environment.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alchemesh_platform.machine.files import write_if_changed

KEY_FILE = "identity-key.pem"
LIFETIME_SECONDS = 3600  # of Google's
ISSUER = "https://accounts.google.com"
_KEY_ID = "emulated"


class TokenRefused(Exception):
    """Raised when a token is not one of this cloud, has expired, or is for another audience."""


def identity_token(folder: Path, email: str, audience: str, *, lifetime_seconds: int = LIFETIME_SECONDS) -> str:
    """A token of a person or a service account.

    Args:
        folder: The emulated cloud.
        email: Email of the caller.
        audience: Address of the service that is called.
        lifetime_seconds: Time until it expires.
    """
    from google.auth import crypt, jwt

    signer = crypt.EsSigner.from_string(_key(folder), key_id=_KEY_ID)
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": audience, "email": email, "email_verified": True, "sub": email}
    encode: Any = jwt.encode
    return str(encode(signer, {**claims, "iat": now, "exp": now + lifetime_seconds}).decode())


def claims_of(folder: Path, token: str, audience: str) -> Mapping[str, Any]:
    """The claims of a token, after its signature, its time and its audience were checked.

    Raises:
        TokenRefused: when one of them is wrong.
    """
    from cryptography.hazmat.primitives import serialization
    from google.auth import exceptions, jwt

    key = serialization.load_pem_private_key(_key(folder).encode(), None)
    encoding, format_ = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    public = key.public_key().public_bytes(encoding, format_).decode()
    try:
        decode: Any = jwt.decode
        found: Mapping[str, Any] = decode(token, certs={_KEY_ID: public}, audience=audience)
    except (ValueError, exceptions.GoogleAuthError) as error:
        raise TokenRefused(str(error)) from error
    return found


def _key(folder: Path) -> str:
    """The private key of the cloud, which is made once."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from filelock import FileLock

    file = folder / KEY_FILE
    with FileLock(folder / f"{KEY_FILE}.lock"):
        if not file.is_file():
            made = ec.generate_private_key(ec.SECP256R1())
            text = made.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
            write_if_changed(file, text.decode())
    return file.read_text(encoding="utf-8")


def main() -> int:
    """Print a token."""
    parser = argparse.ArgumentParser(prog="identity_tokens", description=__doc__)
    parser.add_argument("folder", type=Path, help="The emulated cloud of an environment.")
    parser.add_argument("email", help="Email of the caller.")
    parser.add_argument("audience", help="Address of the service.")
    asked = parser.parse_args()
    if not asked.folder.is_dir():
        sys.stderr.write(f"error: there is no emulated cloud in {json.dumps(str(asked.folder))}\n")
        return 1
    sys.stdout.write(f"{identity_token(asked.folder, asked.email, asked.audience)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
