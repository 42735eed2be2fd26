"""Clients of Google Cloud that cannot be made."""

from __future__ import annotations

import pytest
from google.auth.exceptions import DefaultCredentialsError

from alchemesh_platform.connections import NotReadable, NotWritable
from alchemesh_platform.data.google_client import signed_in


def test_a_missing_client_is_named_with_the_command_that_installs_it() -> None:
    def make() -> object:
        raise ImportError("no module named google.cloud.storage")

    with pytest.raises(NotReadable) as missing:
        signed_in("google-cloud-storage", make, NotReadable, "input port 'sales'")
    assert missing.value.message == "input port 'sales': google-cloud-storage is not installed here"
    assert "alchemesh-platform[gcp]" in str(missing.value.hint)


def test_missing_credentials_are_named_with_the_command_that_signs_in() -> None:
    def make() -> object:
        raise DefaultCredentialsError("none")

    with pytest.raises(NotWritable) as missing:
        signed_in("google-cloud-bigquery", make, NotWritable, "output port 'sales'")
    assert missing.value.message == "output port 'sales': there are no credentials for Google Cloud here"
    assert missing.value.hint == "`gcloud auth application-default login`"
    assert signed_in("google-cloud-bigquery", lambda: 7, NotWritable, "output port 'sales'") == 7
