"""Products on an emulated Google Cloud with a real Kafka, each with one fault at a time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from alchemesh_platform.clouds.gcp.emulation.environment import emulators_of
from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators
from alchemesh_platform.clouds.gcp.emulation.store import Store
from alchemesh_platform.deployment.emulation import emulate
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.registry.records import AssetRecord
from alchemesh_platform.registry.store import Registry
from parts.kafka import Broker
from tests.end_to_end.harness import Shop

ENVIRONMENT = "prod"
PROJECT = "acme-mesh"
DOMAIN = "shop"
PASSWORD = "KAFKA_PASSWORD"

# Tests check line numbers: each fault must be reported at its own line.
MANIFEST = """\
kind: DataProduct
name: NAME
domain: shop
team: order-data
owner: ada@shop.example
version: 1.0.0
lifecycle: development
source_systems: [till]
input_ports:
  - name: sales
    from: {source_system: till}
    component: kafka-ingestion
    args: {topic: till.sales}
models:
  order:
    description: One order.
    properties:
      order_id: {type: integer, key: true, required: true, description: Number of the order}
      amount: {type: number, description: Euros}
infrastructure:
  - name: workspace
    component: object-storage
output_ports:
  - name: orders-table
    models: [order]
    storage: {component: columnar-table}
  - name: order-events
    models: [order]
    storage: {component: streaming-topic}
"""
INGESTION = MANIFEST[MANIFEST.index("source_systems") : MANIFEST.index("models:")]
WITHOUT_INGESTION = MANIFEST.replace(INGESTION, "\n" * INGESTION.count("\n"))  # every line keeps its number
SALES, WORKSPACE, TABLE, EVENTS = 12, 22, 26, 29  # lines of their components
SALES_PATH, WORKSPACE_PATH = "input_ports[0]", "infrastructure[0]"
TABLE_PATH, EVENTS_PATH = "output_ports[0].storage", "output_ports[1].storage"
NUMBERS = count(1)
TABLE_ASSET, EVENTS_ASSET = "orders-table/order", "order-events/order"


@dataclass
class Mesh:
    """A home with one emulated cloud and one broker, for product after product."""

    home: Path
    kafka: Broker

    def product(self, folder: Path, manifest: str = MANIFEST, **more: Any) -> Faulty:
        """A product repo with its own platform file.

        Args:
            more: Settings group: settings over those of all products.
        """
        number = next(NUMBERS)  # of all meshes of this process: they share a broker
        security = {
            "protocol": "SASL_PLAINTEXT",
            "mechanism": "PLAIN",
            "username": "admin",
            "password": {"secret": PASSWORD},
        }
        settings: dict[str, dict[str, Any]] = {
            "gcp": {"project": PROJECT, "project_number": 123456789012, "region": "europe-west1"},
            "kafka": {"bootstrap_servers": [self.kafka.bootstrap], "replication": 1, "security": security},
            "nifi": {"url": "http://127.0.0.1:1/nifi-api"},
        }
        repo = folder / "repo"
        repo.mkdir()
        (repo / "alchemesh.yaml").write_text(manifest.replace("NAME", f"orders-{number}"), "utf-8")
        made = Faulty(repo, self.home, {PASSWORD: self.kafka.password, "ALCHEMESH_EMULATE": "1"}, self)
        made.settings({group: {**settings[group], **more.get(group, {})} for group in settings})
        return made

    @property
    def emulators(self) -> Emulators:
        """The emulators; the first product that needs them starts them."""
        return emulators_of(self._platform())

    @property
    def store(self) -> Store:
        """The stored part of the cloud."""
        return Store(self.emulators.folder)

    def _platform(self) -> Any:
        file = next(self.home.parent.glob("*/repo/platform.yaml"), None) or self.home / "platform.yaml"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(yaml.safe_dump(platform_of({})), "utf-8")
        return emulate(load_platform(file, ENVIRONMENT, self.home))


@dataclass(slots=True)
class Faulty(Shop):
    """A product repo whose `up` must fail."""

    mesh: Mesh | None = None

    def settings(self, groups: dict[str, dict[str, Any]]) -> None:
        """Write the platform file."""
        (self.folder / "platform.yaml").write_text(yaml.safe_dump(platform_of(groups), sort_keys=False), "utf-8")

    def set(self, group: str, **changes: Any) -> None:
        """Change settings of the platform file."""
        document = yaml.safe_load((self.folder / "platform.yaml").read_text("utf-8"))
        document["environments"][ENVIRONMENT]["settings"][group].update(changes)
        (self.folder / "platform.yaml").write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")

    def line_of(self, setting: str) -> int:
        """Line of a setting in the platform file."""
        lines = (self.folder / "platform.yaml").read_text("utf-8").splitlines()
        return next(number for number, line in enumerate(lines, 1) if line.strip().startswith(f"{setting}:"))

    @property
    def name(self) -> str:
        return str(yaml.safe_load(self.manifest.read_text("utf-8"))["name"])

    def up(self, *, repeated: bool = False) -> None:
        """Deploy, which must succeed; with ``repeated`` a second time, which must change nothing."""
        assert self.json("up", "--yes", "-e", ENVIRONMENT)["outcome"] == "succeeded"
        if repeated:
            assert self.json("up", "--yes", "-e", ENVIRONMENT)["changes"].keys() == {"same"}

    def fails(
        self, *said: str, line: int, path: str, hint: str, code: int = 1, more: dict[str, str] | None = None
    ) -> str:
        """Deploy, which must fail at a line of the manifest, with a message, a hint and no secret.

        Returns:
            Everything that was reported.
        """
        result = self.run("up", "--yes", "-e", ENVIRONMENT, more=more)
        reported = result.stdout + result.stderr
        assert result.returncode == code, reported
        said_of(reported, *said, line=line, path=path, hint=hint)
        for noise in ("Traceback", "sdk-v2", "error occurred", "provider=", "@type"):
            assert noise not in reported, reported
        for secret in (self.mesh.kafka.password if self.mesh else "", *(more or {}).values()):
            assert not secret or secret not in reported
        return reported

    def assets(self) -> list[str]:
        """Assets of this product that are recorded: model by port."""
        folder = self.home / "emulated" / ENVIRONMENT
        with Registry.open(f"sqlite:///{folder / 'registry.db'}") as registry:
            found = [asset.address for asset in registry.all(AssetRecord, ENVIRONMENT)]
        prefix = f"{DOMAIN}/{self.name}/"
        return sorted(address.removeprefix(prefix) for address in found if address.startswith(prefix))

    def outcomes(self) -> list[str]:
        """Outcomes of this product's deployments, the latest first."""
        folder = self.home / "emulated" / ENVIRONMENT
        with Registry.open(f"sqlite:///{folder / 'registry.db'}") as registry:
            return [each.outcome for each in registry.deployments(f"{DOMAIN}/{self.name}", ENVIRONMENT)]

    def standing(self) -> Counter[str]:
        """Type: number of this product's resources in the cloud."""
        kept = self.mesh.store.all() if self.mesh else []
        return Counter(each.type for each in kept if f"::{DOMAIN}.{self.name}::" in each.urn)

    def destroy(self) -> None:
        """Destroy the deployed product."""
        self.run("destroy", "--yes", "--delete-data", "-e", ENVIRONMENT)


def said_of(reported: str, *said: str, line: int, path: str, hint: str) -> None:
    """Check that a fault was reported at a line of the manifest, with a message and a hint."""
    assert re.search(rf"^alchemesh\.yaml:{line}:\d+  {re.escape(path)}[\w.]*: ", reported, re.MULTILINE), reported
    for words in (*said, f"hint: {hint}"):
        assert words in " ".join(reported.split()), reported


def platform_of(groups: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The document of a platform file."""
    components = {
        "object-storage": "gcs-bucket",
        "columnar-table": "bigquery-table",
        "streaming-topic": "kafka-topic" if groups.get("kafka", {}).pop("topics", False) else "pubsub-topic",
        "kafka-ingestion": "kafka-nifi-gcs",
        "python-job": "cloud-run-job",
    }
    environment = {
        "state": "gs://acme-nowhere",
        "registry": "postgresql://nowhere.acme.example/alchemesh",
        "settings": groups or {"gcp": {"project": PROJECT, "region": "europe-west1"}},
        "components": components,
    }
    return {"kind": "Platform", "name": "acme", "environments": {ENVIRONMENT: environment}}


@contextmanager
def mesh_in(folder: Path, kafka: Broker) -> Iterator[Mesh]:
    """A home whose emulators are stopped in the end."""
    mesh = Mesh(folder / "home", kafka)
    try:
        yield mesh
    finally:
        mesh.emulators.stop()
