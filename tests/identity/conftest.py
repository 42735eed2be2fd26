"""Fixtures of the identity tests: one provider for all of them, and separate folders for stored tokens."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from alchemesh_platform.identity.machine import USER_VARIABLE
from alchemesh_platform.platform_file.models import IdentityProvider
from tests.identity.issuing import CLIENT, Issuer, running_issuer


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    """A real provider. Node and npm are prerequisites: missing, its tests are skipped, except on CI."""
    if not os.environ.get("CI") and (shutil.which("node") is None or shutil.which("npm") is None):
        pytest.skip("node and npm are needed for the real OpenID Connect provider")
    with running_issuer(tmp_path_factory.mktemp("issuer")) as running:
        yield running


@pytest.fixture
def provider(issuer: Issuer) -> IdentityProvider:
    """The provider as a platform file names it."""
    return IdentityProvider(provider="oidc", issuer=issuer.url, audience=CLIENT, client=CLIENT)


@pytest.fixture(autouse=True)
def folders_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the stored tokens of another test or of the user of this machine."""
    for variable in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    for variable in (USER_VARIABLE, "ALCHEMESH_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
