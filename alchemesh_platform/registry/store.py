"""The registry: the current records and their history."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import groupby
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection, Select, Table, func, insert, select, update

from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.registry.database import PATIENCE, Database
from alchemesh_platform.registry.heartbeat import LOST_AFTER, Heartbeat
from alchemesh_platform.registry.migrations import update_all
from alchemesh_platform.registry.processes import KILLED, has_ended, is_elsewhere, machine_of, this_process
from alchemesh_platform.registry.records import (
    AssetRecord,
    Change,
    ContractRecord,
    Deployment,
    DomainRecord,
    LineageRecord,
    ManifestRecord,
    PolicyRecord,
    PortRecord,
    ProductRecord,
    Record,
    RunDetails,
    RunInput,
    SourceSystemRecord,
    TeamRecord,
    UserRecord,
)
from alchemesh_platform.registry.tables import TABLES, changes, deployments
from alchemesh_platform.registry.unavailable import RecordDamaged, RegistryUnavailable, shown
from alchemesh_platform.registry.writes import Key, Written, named, put, put_new, remove


def utc_now() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)


Operation = Literal["up", "refresh", "destroy", "run"]
Outcome = Literal["succeeded", "failed", "cancelled"]
RECENT = 200  # runs of a product among which the run of a request is looked for
RecordT = TypeVar("RecordT", bound=Record)
ModelT = TypeVar("ModelT", bound=BaseModel)

# Records that a command writes again from documents.
WRITTEN_BY_UP = frozenset({ProductRecord, PortRecord, AssetRecord, ContractRecord, LineageRecord, ManifestRecord})
WRITTEN_BY_MESH = frozenset({DomainRecord, TeamRecord, SourceSystemRecord, UserRecord, PolicyRecord})


class Registry:
    """The registry, in SQLite or PostgreSQL. Safe for concurrent threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._beats: dict[str, Heartbeat] = {}
        # In a transaction: the operations that begin with its commit. Only its thread may use its connection.
        self._begun: set[str] | None = None

    @classmethod
    def open(cls, url: str, *, migrate: bool = True, create: bool = True, patience: timedelta = PATIENCE) -> Registry:
        """Open the registry at an address, and migrate it if needed.

        Args:
            url: ``sqlite:///path`` or ``postgresql://host/database``.
            migrate: Whether to migrate a registry of an older version.
            create: Whether to create a missing registry.
            patience: How long to wait for a lock of another process.

        Raises:
            RegistryMissing: when the registry does not exist, and `create` is false.
            RegistryUnavailable: when it cannot be used; gives the reason and the fix.
        """
        database = Database(url, patience)
        try:
            update_all(database, migrate=migrate, create=create)
        except BaseException:
            database.close()
            raise
        return cls(database)

    def close(self) -> None:
        """Close every connection."""
        self.finish_beats()
        self._database.close()

    def finish_beats(self) -> None:
        """Report no more that operations of this process run."""
        while self._beats:
            self._beats.popitem()[1].stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def transaction(self, lock: str) -> Iterator[Registry]:
        """This registry in one transaction: it commits all changes together, or rolls them back after an exception.

        Args:
            lock: Transactions with the same lock run one after the other, so that reads remain valid until the end.
        """
        with self._database.transaction(lock) as joined:
            turn = Registry(joined)
            turn._begun = set()
            yield turn
        for id in turn._begun:  # noqa: A001 - the field's name
            self._report(id)

    def reading(self) -> AbstractContextManager[Connection]:
        """A read connection, for queries that records do not cover."""
        return self._database.reading()

    def writing(self) -> AbstractContextManager[Connection]:
        """A write connection for tables without records. It commits at the end or rolls back after an exception."""
        return self._database.writing()

    def now(self) -> datetime:
        """The time for decisions about access and notices.

        PostgreSQL's server tells the time for all machines that share the registry: nobody gains or loses access by a
        wrong clock of their own machine. With SQLite it is the time of this machine.
        """
        if self._database.on_sqlite:
            return utc_now()
        with self._database.reading() as connection:
            moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return moment.astimezone(UTC)

    def put(self, record: Record) -> Written:
        """Write a record. Writing an identical record changes nothing and adds no history."""
        return self.write([record])[0]

    def remove(self, kind: type[Record], environment: str, address: str) -> bool:
        """Delete a record and keep its history; False if it does not exist."""
        with self._database.writing() as connection:
            return remove(connection, Key(kind, environment, address))

    def write(self, records: Iterable[Record], removals: Iterable[Key] = ()) -> list[Written]:
        """Write several records and delete others, all or nothing.

        Returns:
            The change of each record, in the given order.
        """
        records = list(records)
        acts: list[tuple[Key, int | None]] = [(key, None) for key in removals]
        acts += [(Key(type(record), record.environment, record.address), at) for at, record in enumerate(records)]
        outcomes: list[Written] = ["unchanged"] * len(records)
        with self._database.writing() as connection:
            for kind, of_kind in groupby(sorted(acts, key=lambda act: act[0].order), key=lambda act: act[0].kind):
                several = list(of_kind)
                removed = {key for key, at in several if at is None}
                wanted = [(key, records[at]) for key, at in several if at is not None and key not in removed]
                new = put_new(connection, kind, wanted)
                for key, at in several:
                    if at is None:
                        remove(connection, key)
                    elif key in new:
                        new.remove(key)
                        outcomes[at] = "created"
                    else:
                        outcomes[at] = put(connection, key, records[at])
        return outcomes

    def get(self, kind: type[RecordT], environment: str, address: str) -> RecordT | None:
        """The record at that address, or None."""
        table = TABLES[kind]
        with self._database.reading() as connection:
            document = connection.execute(select(table.c.document).where(*named(table, environment, address))).scalar()
        return None if document is None else self._read(kind, document, f"{address} in {environment}", table)

    def all(
        self,
        kind: type[RecordT],
        environment: str | None = None,
        product: str | None = None,
        *,
        where: Mapping[str, str | Collection[str]] | None = None,
        limit: int | None = None,
    ) -> list[RecordT]:
        """Every record of a kind, optionally of one environment or product, sorted by address.

        Args:
            where: Accepted value or values by column of the kind's table.
            limit: Maximum number of records.
        """
        table = TABLES[kind]
        query = select(table.c.environment, table.c.address, table.c.document)
        if environment is not None:
            query = query.where(table.c.environment == environment)
        if product is not None:
            query = query.where((table.c.product if "product" in table.c else table.c.address) == product)
        for name, value in (where or {}).items():
            column = table.c[name]
            query = query.where(column == value if isinstance(value, str) else column.in_(value))
        if limit is not None:
            query = query.order_by(table.c.address).limit(limit)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        # Sort here: the order of text differs between databases and their settings.
        return [
            self._read(kind, row.document, f"{row.address} in {row.environment}", table)
            for row in sorted(rows, key=lambda row: (row.environment, row.address))
        ]

    def start_deployment(
        self,
        environment: str,
        product: str,
        operation: Operation,
        actor: str,
        *,
        version: str = "",
        details: RunDetails | None = None,
    ) -> Deployment:
        """Record the start of an operation on a product.

        If its process is killed, the operation counts as failed: at once on this machine, and elsewhere when the
        process has not reported for :data:`LOST_AFTER`. :meth:`end_killed` records it.
        """
        deployment = self._inserted(environment, product, operation, actor, version, details)
        self._report(deployment.id)
        return deployment

    def _inserted(
        self,
        environment: str,
        product: str,
        operation: Operation,
        actor: str,
        version: str,
        details: RunDetails | None,
    ) -> Deployment:
        deployment = Deployment(
            id=uuid.uuid4().hex,
            environment=environment,
            product=product,
            operation=operation,
            started_at=datetime.now(UTC),
            actor=actor,
            version=version,
            process=this_process(),
            seen_at=self.now(),
            **({} if details is None else asdict(details)),
        )
        with self._database.writing() as connection:
            connection.execute(insert(deployments).values(id=deployment.id, **_deployment_columns(deployment)))
        return deployment

    def start_run(
        self, environment: str, product: str, actor: str, *, version: str = "", details: RunDetails
    ) -> tuple[Deployment, bool]:
        """Record the start of a run, unless another run of the product has not ended, on any machine.

        Returns:
            The run, and True; or the other run, and False.
        """
        with self.transaction(f"run {environment}/{product}") as turn:
            runs = turn.deployments(product, environment, operations=("run",), outcomes=("running",))
            # Runs of versions that reported nothing are left out: nobody knows whether they continue.
            other = next((run for run in runs if run.outcome == "running" and run.seen_at is not None), None)
            if other is not None:
                return other, False
            run = turn._inserted(environment, product, "run", actor, version, details)
        self._report(run.id)
        return run, True

    def add_run(self, run: Deployment) -> Deployment:
        """Record a run that an engine carried out by itself. A run with the same id is recorded once.

        Returns:
            The recorded run.
        """
        with self._database.writing() as connection:
            row = select(deployments.c.document).where(deployments.c.id == run.id)
            document = connection.execute(row).scalar()
            if document is not None:
                return self._read(Deployment, document, run.id, deployments)
            connection.execute(insert(deployments).values(id=run.id, **_deployment_columns(run)))
        return run

    def ask_to_cancel(self, id: str, actor: str) -> Deployment:  # noqa: A002 - the field's name
        """Ask the process of a running operation to cancel it. The first identity that asks is recorded.

        Raises:
            LookupError: when the operation was not started.
        """
        return self._note(id, lambda begun: {} if begun.cancelled_by is not None else {"cancelled_by": actor})

    def note_inputs(self, id: str, inputs: Mapping[str, RunInput]) -> Deployment:  # noqa: A002 - the field's name
        """Record what a running run reads.

        Raises:
            LookupError: when the operation was not started.
        """
        return self._note(id, lambda _begun: {"inputs": dict(inputs)})

    def _note(self, id: str, fields: Callable[[Deployment], dict[str, Any]]) -> Deployment:  # noqa: A002
        """Change fields of a running operation. An ended one stays as it is."""
        with self._database.writing() as connection:
            row = select(deployments.c.document).where(deployments.c.id == id).with_for_update()
            document = connection.execute(row).scalar()
            if document is None:
                raise LookupError(f"no deployment {id!r} was started")
            begun = self._read(Deployment, document, id, deployments)
            changed = fields(begun) if begun.outcome == "running" else {}
            if not changed:
                return begun
            noted = begun.model_copy(update=changed)
            connection.execute(update(deployments).where(deployments.c.id == id).values(**_deployment_columns(noted)))
        return noted

    def deployment(self, id: str) -> Deployment | None:  # noqa: A002 - the field's name
        """One operation; None if there is no such operation."""
        with self._database.reading() as connection:
            document = connection.execute(select(deployments.c.document).where(deployments.c.id == id)).scalar()
        return None if document is None else self._ended(self._read(Deployment, document, id, deployments))

    def _report(self, id: str) -> None:  # noqa: A002 - the field's name
        """Report at intervals that the process of an operation is alive: from now on, or from the commit on."""
        if self._begun is None:
            self._beats[id] = Heartbeat(lambda: self._seen(id))
        else:
            self._begun.add(id)

    def _seen(self, id: str) -> bool:  # noqa: A002 - the field's name
        """Record that the process of an operation is alive; False if the operation has ended."""
        now = self.now()
        with self._database.writing() as connection:
            row = select(deployments.c.document).where(deployments.c.id == id).with_for_update()
            begun = self._read(Deployment, connection.execute(row).scalar_one(), id, deployments)
            if begun.outcome != "running":
                return False
            seen = begun.model_copy(update={"seen_at": now})
            connection.execute(update(deployments).where(deployments.c.id == id).values(**_deployment_columns(seen)))
        return True

    def finish_deployment(
        self,
        id: str,  # noqa: A002 - the field's name
        outcome: Outcome,
        *,
        changes: Mapping[str, int] | None = None,
        problem: str | None = None,
        exit_status: int | None = None,
        output: str | None = None,
        written: Mapping[str, int] | None = None,
    ) -> Deployment:
        """Record the outcome of an operation. The first outcome is final: a second call returns the recorded one.

        Raises:
            LookupError: when the operation was not started.
        """
        if (beat := self._beats.pop(id, None)) is not None:
            beat.stop()
        if self._begun is not None:
            self._begun.discard(id)
        with self._database.writing() as connection:
            row = select(deployments.c.document).where(deployments.c.id == id).with_for_update()
            document = connection.execute(row).scalar()
            if document is None:
                raise LookupError(f"no deployment {id!r} was started")
            begun = self._read(Deployment, document, id, deployments)
            if begun.outcome != "running":
                return begun
            ended = Deployment.model_validate(
                begun.model_dump()
                | {
                    "finished_at": datetime.now(UTC),
                    "outcome": outcome,
                    "changes": dict(changes or {}),
                    "problem": problem,
                    "exit_status": exit_status,
                    "output": output,
                    "written": dict(written or {}),
                }
            )
            connection.execute(update(deployments).where(deployments.c.id == id).values(**_deployment_columns(ended)))
        return ended

    def end_killed(
        self,
        environment: str,
        product: str,
        operations: Iterable[Operation],
        *,
        everywhere: bool = False,
        living: bool = True,
        output_of: Callable[[str], str | None] = lambda _id: None,
    ) -> list[str]:
        """Record the end of operations whose process was killed. Call it under the lock that they ran under.

        Args:
            environment: Environment of the operations.
            product: Address of the product.
            operations: Kinds of operations.
            everywhere: Whether the lock holds for all machines, so that operations of other machines have ended too.
            living: Whether an operation has ended even if its process lives. The lock of runs is one of a home, so the
                run of another home of this machine may continue.
            output_of: The output that a killed operation left, by its id.

        Returns:
            The ids of the ended operations.
        """
        query = _narrowed(select(deployments.c.id, deployments.c.document), deployments, environment, product)
        query = query.where(deployments.c.outcome == "running", deployments.c.operation.in_(list(operations)))
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        killed: list[str] = []
        for row in rows:
            process = self._read(Deployment, row.document, row.id, deployments).process
            lives = not living and process is not None and not has_ended(process)
            if everywhere or not (is_elsewhere(process) or lives):
                killed.append(row.id)
                self.finish_deployment(row.id, "failed", problem=KILLED, output=output_of(row.id))
        return killed

    def deployments(
        self,
        product: str | None = None,
        environment: str | None = None,
        *,
        operations: Iterable[Operation] | None = None,
        since: datetime | None = None,
        outcomes: Collection[str] | None = None,
        id_begins: str | None = None,
        limit: int | None = None,
    ) -> list[Deployment]:
        """The deployments, newest first.

        Args:
            product: Address of the product; None for all.
            environment: Name of the environment; None for all.
            operations: Kinds of operations; None for all.
            since: Earliest start.
            outcomes: Recorded outcomes; None for all. One that is recorded as running may have ended by a kill.
            id_begins: The first characters of the id.
            limit: Largest number.
        """
        query = _narrowed(select(deployments.c.id, deployments.c.document), deployments, environment, product)
        if operations is not None:
            query = query.where(deployments.c.operation.in_(list(operations)))
        if since is not None:
            query = query.where(deployments.c.started_at >= since)
        if outcomes is not None:
            query = query.where(deployments.c.outcome.in_(list(outcomes)))
        if id_begins is not None:
            query = query.where(deployments.c.id.startswith(id_begins, autoescape=True))
        query = query.order_by(deployments.c.started_at.desc(), deployments.c.id).limit(limit)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return [self._ended(self._read(Deployment, row.document, row.id, deployments)) for row in rows]

    def run_of_request(self, environment: str, product: str, request: str) -> Deployment | None:
        """The last run that carries out a request; None if there is none yet."""
        runs = self.deployments(product, environment, operations=("run",), limit=RECENT)
        return next((run for run in runs if run.request == request), None)

    def last_deployments(self, environment: str, operations: Iterable[Operation]) -> dict[str, Deployment]:
        """The last operation of these kinds on each product, by address of the product."""
        rank = func.row_number().over(
            partition_by=deployments.c.product, order_by=(deployments.c.started_at.desc(), deployments.c.id)
        )
        ranked = (
            select(deployments.c.id, deployments.c.document, rank.label("rank"))
            .where(deployments.c.environment == environment, deployments.c.operation.in_(list(operations)))
            .subquery()
        )
        with self._database.reading() as connection:
            rows = connection.execute(select(ranked.c.id, ranked.c.document).where(ranked.c.rank == 1)).all()
        found = (self._ended(self._read(Deployment, row.document, row.id, deployments)) for row in rows)
        return {last.product: last for last in found}

    def history(
        self,
        environment: str | None = None,
        *,
        product: str | None = None,
        address: str | None = None,
        kind: type[Record] | None = None,
        limit: int | None = None,
    ) -> list[Change]:
        """The history of records, newest first, including deleted ones."""
        query = _narrowed(select(changes), changes, environment, product)
        if kind is not None:
            query = query.where(changes.c.kind == kind.kind)
        if address is not None:
            query = query.where(changes.c.address == address)
        query = query.order_by(changes.c.id.desc()).limit(limit)
        with self._database.reading() as connection:
            rows = connection.execute(query).mappings().all()
        return [self._read_change(row) for row in rows]

    def _read(self, kind: type[ModelT], document: str, name: str, table: Table) -> ModelT:
        """Decode a record.

        Args:
            name: The record in messages.
            table: The table that holds it.
        """
        try:
            return kind.model_validate_json(document)
        except (ValidationError, UnicodeError) as error:
            raise self._unreadable(kind, document, name, table) from error

    def _ended(self, deployment: Deployment) -> Deployment:
        """A deployment as it is: one that is recorded as running may have been killed."""
        if deployment.outcome != "running":
            return deployment
        problem, seen = "", deployment.seen_at
        if has_ended(deployment.process):
            problem = KILLED
        elif seen is not None and is_elsewhere(deployment.process) and self.now() - seen > LOST_AFTER:
            machine = machine_of(deployment.process)
            problem = f"its process on {machine} has not reported since {seen:%Y-%m-%d %H:%M} UTC: it was killed"
        return deployment.model_copy(update={"outcome": "failed", "problem": problem}) if problem else deployment

    def _unreadable(self, kind: type[BaseModel], document: str, name: str, table: Table) -> RegistryUnavailable:
        registry = shown(self._database.url)
        if is_json_object(document):
            return RegistryUnavailable(
                f"the registry {registry} holds a {kind.__name__} that this alchemesh cannot read: {name}",
                hint="another version wrote it: upgrade with pip install --upgrade alchemesh-platform",
            )
        again = command("mesh", "apply") if kind in WRITTEN_BY_MESH else command("up")
        return RecordDamaged(
            f"the registry {registry} holds a damaged record: {kind.__name__} {name} cannot be decoded",
            hint=remedy("restore a backup; or delete its row of the table {}: then {} records it again", table, again)
            if kind in WRITTEN_BY_MESH or kind in WRITTEN_BY_UP
            else f"restore a backup of the registry, or its row of the table {table} from the table {changes}",
        )

    def _read_change(self, row: Mapping[Any, Any]) -> Change:
        import json

        fields = {name: row[name] for name in ("at", "environment", "kind", "address", "change")}
        try:
            return Change(**fields, document=json.loads(row["document"].encode()))
        except ValueError as error:
            raise RecordDamaged(
                f"the registry {shown(self._database.url)} holds a damaged record: line {row['id']} of the history, "
                f"about {row['kind']} {row['address']} in {row['environment']}, cannot be decoded",
                hint="restore a backup of the registry",
            ) from error


def is_json_object(document: str) -> bool:
    """Whether a document is a whole JSON object, as a version of this software may have written it."""
    import json

    try:
        return isinstance(json.loads(document.encode()), dict)
    except ValueError:
        return False


def _narrowed(query: Select[Any], table: Table, environment: str | None, product: str | None) -> Select[Any]:
    if environment is not None:
        query = query.where(table.c.environment == environment)
    return query if product is None else query.where(table.c.product == product)


def _deployment_columns(deployment: Deployment) -> dict[str, Any]:
    columns = ("environment", "product", "operation", "started_at", "finished_at", "outcome")
    return {name: getattr(deployment, name) for name in columns} | {"document": deployment.model_dump_json()}
