"""Kinds of connections, as systems register them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from alchemesh_platform import connections as facade
from alchemesh_platform.registration.systems import BrokenSystem
from alchemesh_platform.sdk.connections.base import WrongConnection
from alchemesh_platform.sdk.connections.kinds import connection_kinds, connection_of
from alchemesh_platform.sdk.connections.ports import Connections, PortConnections
from tests.sdk.site import install

SYSTEM = """
from alchemesh_platform.sdk.system.system import System
SYSTEM = System(name={name!r}, summary="A queue.", connections={{{kind!r}: {reference!r}}})
"""
QUEUE = """
from typing import Literal
from alchemesh_platform.sdk.connections.base import Connection
class QueueConnection(Connection):
    kind: Literal["queue"] = "queue"
    folder: str
    def credential_variables(self):
        return {"PASSWORD": "secret"}
"""
KNOWN = ["aws-role", "data-api", "files", "identity", "job", "secret", "tables", "topic"]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages, in addition to those of this project."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_all_kinds_of_this_project_can_be_used() -> None:
    kinds, broken = connection_kinds().loaded()
    assert (sorted(kinds), broken) == (KNOWN, [])


def test_a_third_party_kind_is_read_written_and_exported_like_any_other(site: Path) -> None:
    system = SYSTEM.format(name="queues", kind="queue", reference="queue_kind:QueueConnection")
    install(site, "queues", {"queue_system": system, "queue_kind": QUEUE}, {"queues": "queue_system:SYSTEM"})
    document = {"storage": {"kind": "queue", "folder": "/queues/orders"}, "proxy": None}
    port = PortConnections.model_validate(document)
    assert port.model_dump(mode="json") == document
    assert port.storage_as(facade.QueueConnection).folder == "/queues/orders"
    with pytest.raises(WrongConnection, match="no files here, but queue"):
        _ = port.files
    here = Connections(product="retail/orders", environment="local", outputs={"events": port})
    assert here.environ()["ALCHEMESH_OUTPUT_EVENTS_FOLDER"] == "/queues/orders"
    assert "ALCHEMESH_OUTPUT_EVENTS_PASSWORD" not in here.environ()
    assert here.environ(credentials=True)["ALCHEMESH_OUTPUT_EVENTS_PASSWORD"] == "secret"
    assert "QueueConnection" in PortConnections.model_json_schema()["$defs"]


def test_an_unknown_kind_lists_the_known_ones() -> None:
    with pytest.raises(WrongConnection) as raised:
        connection_of({"kind": "queue", "folder": "/queues"})
    assert str(raised.value) == (
        f"unknown kind of connection 'queue', expected one of {', '.join(KNOWN)}: "
        "the package that registers it is not installed here"
    )
    with pytest.raises(ValidationError, match="unknown kind of connection 'queue'"):
        PortConnections.model_validate({"storage": {"kind": "queue"}})


@pytest.mark.parametrize(
    ("side", "document", "said"),
    [
        (
            "storage",
            {"kind": "data-api"},
            "found a connection of kind 'data-api', expected the connection of a storage",
        ),
        ("proxy", {"kind": "files", "url": "file:///"}, "found a connection of kind 'files', expected the connection"),
        ("storage", {"kind": "job", "entrypoint": "a:b"}, "found a connection of kind 'job', expected the connection"),
    ],
)
def test_connection_of_another_role_is_refused(side: str, document: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        PortConnections.model_validate({side: document})


def test_an_invalid_kind_names_its_package(site: Path) -> None:
    system = SYSTEM.format(name="wrong", kind="wrong", reference="wrong_kind:QueueConnection")
    install(site, "wrong", {"wrong_system": system, "wrong_kind": QUEUE}, {"wrong": "wrong_system:SYSTEM"})
    with pytest.raises(BrokenSystem) as raised:
        connection_of({"kind": "wrong"})
    assert raised.value.message == (
        "connection kind 'wrong' of system 'wrong', package wrong (wrong_kind:QueueConnection) "
        "has the kind 'queue', expected 'wrong'"
    )


def test_the_public_module_has_every_name() -> None:
    assert [name for name in facade.__all__ if getattr(facade, name, None) is None] == []


def test_reading_files_imports_neither_kafka_nor_a_cloud() -> None:
    code = (
        "import sys; from alchemesh_platform.connections import PortConnections, FilesConnection\n"
        "PortConnections.model_validate({'storage': {'kind': 'files', 'url': 'file:///'}}).files\n"
        "print([name for name in sys.modules if 'kafka.' in name and not name.endswith('system') or 'gcp.con' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
