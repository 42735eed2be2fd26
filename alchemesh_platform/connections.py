"""How a product's code reaches its ports and needs: typed, and the same on a laptop and in a cloud.

In a product's code::

    from alchemesh_platform.connections import connections

    here = connections()
    departures = here.input("departures").files          # FilesConnection
    flights = here.output("flights-table").tables        # TablesConnection
    print(departures.url, flights.tables["flight"])

The connections are read from the JSON file that ``ALCHEMESH_CONNECTIONS`` names, which `alchemesh run` and
`alchemesh env` set; where code runs in a cloud, the variable holds the JSON itself.
"""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

if TYPE_CHECKING:
    from alchemesh_platform.systems.kafka.access import KafkaAccess

CONNECTIONS_VARIABLE = "ALCHEMESH_CONNECTIONS"
BIGQUERY_SCHEME = "bigquery://"


class _Connection(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataflowConnection(_Connection):
    """A NiFi dataflow, as it is asked how it is doing."""

    server: str = Field(description="Address of NiFi's REST interface.")
    group: str = Field(description="Id of its process group.")
    login: dict[str, Any] = Field(default_factory=dict, description="Who asks; secrets by reference.")


class FilesConnection(_Connection):
    """Files under one address: a directory, a bucket or a prefix of one."""

    kind: Literal["files"] = "files"
    url: str = Field(description="Address of the folder, as a URL: file:///…, gs://…")
    format: str | None = Field(default=None, description="Format of the files, where there is just one: parquet, …")
    fed_by: DataflowConnection | None = Field(default=None, description="The dataflow that writes them, if one does.")

    @property
    def path(self) -> Path:
        """The folder on this machine.

        Raises:
            WrongConnection: when the files are not on this machine.
        """
        return _local_path(self.url)


class TablesConnection(_Connection):
    """One table for each model."""

    kind: Literal["tables"] = "tables"
    format: Literal["delta", "bigquery"] = Field(description="Table format, or the service that has the tables.")
    tables: dict[str, str] = Field(
        description="Model name: address of its table, as a URL: file:///…, bigquery://project/dataset/table"
    )

    dataset: str | None = Field(
        default=None, description="Where code may make tables of its own: bigquery://project/dataset"
    )

    def path(self, model: str) -> Path:
        """The folder of a model's table on this machine."""
        return _local_path(self._url(model))

    def table_id(self, model: str) -> str:
        """A model's table as BigQuery's own libraries and SQL name it: ``project.dataset.table``.

        Raises:
            WrongConnection: when the tables are not BigQuery's.
        """
        url = self._url(model)
        if not url.startswith(BIGQUERY_SCHEME):
            raise WrongConnection(f"{url} is no table of BigQuery")
        return url.removeprefix(BIGQUERY_SCHEME).replace("/", ".")

    def _url(self, model: str) -> str:
        if model not in self.tables:
            raise WrongConnection(f"no table for model {model!r}: there are {', '.join(sorted(self.tables)) or 'none'}")
        return self.tables[model]


class TopicConnection(_Connection):
    """A topic for each model. Passwords are named, never written."""

    kind: Literal["topic"] = "topic"
    broker: Literal["kafka", "pubsub"] = Field(description="What has the topics.")
    servers: tuple[str, ...] = Field(default=(), description="Kafka: bootstrap servers, host:port.")
    topics: dict[str, str] = Field(
        description="Model name: its topic; of Pub/Sub by the full name projects/PROJECT/topics/TOPIC."
    )
    security: dict[str, Any] = Field(
        default_factory=dict, description="Kafka: protocol, mechanism and user of the platform; its password by name."
    )
    schemas: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Kafka: model name: JSON Schema of a message."
    )
    schema_topic: str | None = Field(
        default=None, description="Kafka: compacted topic where consumers find the schemas of all others."
    )
    issues_credentials: bool = Field(
        default=False,
        description="Kafka: whether each consumer gets a user of its own, and its password by "
        "`alchemesh access credential`.",
    )

    def topic(self, model: str) -> str:
        """The topic of a model."""
        if model not in self.topics:
            raise WrongConnection(f"no topic for model {model!r}: there are {', '.join(sorted(self.topics)) or 'none'}")
        return self.topics[model]

    def client(self, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
        """Configuration for a client of confluent-kafka; add `group.id` and what else it needs.

        Raises:
            WrongConnection: when the topics are not Kafka's.
            SecretMissing: when the password has no value here.
        """
        from alchemesh_platform.systems.kafka.access import client_options

        return client_options(self.access, environ)

    @property
    def access(self) -> KafkaAccess:
        """How the cluster is reached. Raises WrongConnection where the topics are not Kafka's."""
        if self.broker != "kafka":
            raise WrongConnection(f"topics of {self.broker}, not of Kafka")
        from alchemesh_platform.systems.kafka.access import KafkaAccess

        return KafkaAccess.model_validate({"bootstrap_servers": self.servers, "security": self.security})


class SecretConnection(_Connection):
    """A secret: where it is kept, never what it is."""

    kind: Literal["secret"] = "secret"
    name: str = Field(description="Name in Secret Manager: projects/PROJECT/secrets/SECRET.")


class IdentityConnection(_Connection):
    """A service identity."""

    kind: Literal["identity"] = "identity"
    email: str = Field(description="Email of the service account.")


@dataclass(frozen=True, slots=True)
class Credential:
    """What a data API lets somebody in by. Its password is not to be printed, logged or kept."""

    user: str
    password: str = field(repr=False)

    def headers(self) -> dict[str, str]:
        """The header that a request over HTTP needs: basic authentication."""
        token = b64encode(f"{self.user}:{self.password}".encode()).decode()
        return {"Authorization": f"Basic {token}"}


class DataApiConnection(_Connection):
    """Access by protocol; a protocol that is not offered is None."""

    kind: Literal["data-api"] = "data-api"
    sql: str | None = Field(
        default=None,
        description="Address of SQL: the PostgreSQL protocol, postgresql://host:port, whose database is the user, or "
        "bigquery://project/dataset",
    )
    rest: str | None = Field(default=None, description="Base address of REST: http://host:port/api")
    graphql: str | None = Field(default=None, description="Address of GraphQL; the query is the body of a POST.")
    tables: tuple[str, ...] = Field(default=(), description="Tables that can be queried, by the names of the models.")
    credential_file: str | None = Field(
        default=None, description="File of the user and password that let this product in; None: nobody is kept out."
    )

    @property
    def credential(self) -> Credential:
        """User and password, read from the file that holds them. Raises WrongConnection where there are none."""
        if self.credential_file is None:
            raise WrongConnection("no credential here: this data API asks for none")
        try:
            found = json.loads(Path(self.credential_file).read_bytes())
            return Credential(found["user"], found["password"])
        except (OSError, ValueError, KeyError, TypeError):
            raise WrongConnection(
                f"cannot read the credential in {self.credential_file}: `alchemesh up` writes it"
            ) from None

    def headers(self) -> dict[str, str]:
        """What a request over REST or GraphQL has to bring along."""
        return self.credential.headers() if self.credential_file is not None else {}

    def dsn(self) -> str:
        """What a PostgreSQL driver connects with. It holds the password: not to be printed.

        Raises:
            WrongConnection: where SQL is not offered.
        """
        if self.sql is None:
            raise WrongConnection("no SQL here")
        if self.credential_file is None:
            return self.sql
        scheme, _, address = self.sql.partition("://")
        credential = self.credential
        user, password = quote(credential.user, safe=""), quote(credential.password, safe="")
        return f"{scheme}://{user}:{password}@{address.rstrip('/')}/{user}"


class JobConnection(_Connection):
    """A job of the product's own code."""

    kind: Literal["job"] = "job"
    entrypoint: str = Field(description="What is run.")
    schedule: str | None = Field(default=None, description="Cron expression, where it has one.")
    descriptor: str | None = Field(default=None, description="Where the description of the job is kept.")


StorageConnection = FilesConnection | TablesConnection | TopicConnection | SecretConnection | IdentityConnection


class PortConnections(_Connection):
    """What a port or need gives: its storage's connection, its proxy's, or both."""

    storage: StorageConnection | None = Field(default=None, discriminator="kind")
    proxy: DataApiConnection | None = Field(default=None)

    @property
    def files(self) -> FilesConnection:
        """The files. Raises WrongConnection where there are none."""
        if isinstance(self.storage, FilesConnection):
            return self.storage
        raise WrongConnection(f"no files here, but {self.storage.kind if self.storage else 'no storage'}")

    @property
    def tables(self) -> TablesConnection:
        """The tables. Raises WrongConnection where there are none."""
        if isinstance(self.storage, TablesConnection):
            return self.storage
        raise WrongConnection(f"no tables here, but {self.storage.kind if self.storage else 'no storage'}")

    @property
    def topics(self) -> TopicConnection:
        """The topics. Raises WrongConnection where there are none."""
        if isinstance(self.storage, TopicConnection):
            return self.storage
        raise WrongConnection(f"no topics here, but {self.storage.kind if self.storage else 'no storage'}")

    @property
    def data_api(self) -> DataApiConnection:
        """The data API. Raises WrongConnection where there is none."""
        if self.proxy is None:
            raise WrongConnection("no data API here")
        return self.proxy


class Connections(_Connection):
    """Every connection of a product in one environment."""

    product: str = Field(description="Address of the product: domain/product.")
    environment: str = Field(description="Environment.")
    inputs: dict[str, PortConnections] = Field(default_factory=dict, description="Input port: what it gives.")
    outputs: dict[str, PortConnections] = Field(default_factory=dict, description="Output port: what it gives.")
    infrastructure: dict[str, PortConnections] = Field(default_factory=dict, description="Need: what it gives.")

    def input(self, name: str) -> PortConnections:
        """An input port's connections."""
        return _named(self.inputs, "input port", name)

    def output(self, name: str) -> PortConnections:
        """An output port's connections."""
        return _named(self.outputs, "output port", name)

    def need(self, name: str) -> PortConnections:
        """An infrastructure need's connections."""
        return _named(self.infrastructure, "infrastructure need", name)

    def environ(self, *, credentials: bool = False) -> dict[str, str]:
        """The same as flat environment variables: ``ALCHEMESH_OUTPUT_FLIGHTS_TABLE_REST=http://…``.

        Args:
            credentials: Whether users and passwords are among them, beside the files that hold them.
        """
        groups = (("INPUT", self.inputs), ("OUTPUT", self.outputs), ("NEED", self.infrastructure))
        variables = {"ALCHEMESH_PRODUCT": self.product, "ALCHEMESH_ENVIRONMENT": self.environment}
        for group, ports in groups:
            for port, given in ports.items():
                prefix = f"ALCHEMESH_{group}_{_variable(port)}"
                for part in (given.storage, given.proxy):
                    if part is not None:
                        variables.update(_flat(prefix, part.model_dump(mode="json", exclude={"kind", "fed_by"})))
                if credentials and given.proxy is not None and given.proxy.credential_file is not None:
                    credential = given.proxy.credential
                    variables |= {f"{prefix}_USER": credential.user, f"{prefix}_PASSWORD": credential.password}
        return dict(sorted(variables.items()))


class WrongConnection(LookupError):
    """Raised when code asks for a connection that its product does not have; says what there is."""


class NotConnected(RuntimeError):
    """Raised when there are no connections here; says how to get them."""


def connections(environ: Mapping[str, str] = os.environ) -> Connections:
    """The connections of the product whose code is running.

    Raises:
        NotConnected: when the code was not started with its connections, or their file cannot be read.
    """
    name = environ.get(CONNECTIONS_VARIABLE)
    if not name:
        raise NotConnected(
            f"{CONNECTIONS_VARIABLE} is not set. Run the code with `alchemesh run`, or in a shell: "
            'eval "$(alchemesh env)"'
        )
    try:
        return Connections.model_validate_json(name if name.startswith("{") else Path(name).read_bytes())
    except (OSError, ValidationError) as error:
        place = CONNECTIONS_VARIABLE if name.startswith("{") else name
        raise NotConnected(f"cannot read the connections in {place}: {error}") from error


AnyConnection = StorageConnection | DataApiConnection | JobConnection

_ANY_CONNECTION: TypeAdapter[AnyConnection] = TypeAdapter(Annotated[AnyConnection, Field(discriminator="kind")])


def connection_of(outputs: Mapping[str, Any]) -> AnyConnection:
    """Read a component's outputs as the connection they are."""
    return _ANY_CONNECTION.validate_python(outputs)


def _named(ports: Mapping[str, PortConnections], what: str, name: str) -> PortConnections:
    if name not in ports:
        raise WrongConnection(f"no {what} {name!r}: there are {', '.join(sorted(ports)) or 'none'}")
    return ports[name]


def _local_path(url: str) -> Path:
    if not url.startswith("file://"):
        raise WrongConnection(
            f"{url} is not on this machine: the cloud's own client reads it, files by their `url`, tables by `table_id`"
        )
    from urllib.parse import unquote, urlsplit

    return Path(unquote(urlsplit(url).path))


def _variable(name: str) -> str:
    return name.replace("-", "_").upper()


def _flat(prefix: str, value: object) -> Iterator[tuple[str, str]]:
    if value is None:
        return
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _flat(f"{prefix}_{_variable(str(key))}", part)
    elif isinstance(value, str):
        yield prefix, value
    else:
        yield prefix, json.dumps(value)
