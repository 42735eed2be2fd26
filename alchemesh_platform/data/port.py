"""Reading and writing the rows of one port."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.data.backend import MODES, Backend, Mode, Source, Target, Written, backend_of
from alchemesh_platform.data.conditions import Where, conditions_of
from alchemesh_platform.data.errors import NotReadable, NotWritable, WriteConflict, mode_refused
from alchemesh_platform.data.rows import Rows
from alchemesh_platform.data.running import counts_writes, current_run, keep_receipt, not_done, write_id
from alchemesh_platform.data.writing.checked import CheckedRows
from alchemesh_platform.manifest.models import Property, SourceProperty


@dataclass(frozen=True, slots=True)
class PortData:
    """A port with its connections and its models.

    Args:
        product: ``domain/product`` of the code.
        name: Name of the port.
        direction: ``input`` or ``output``.
        storage: Connection of the storage, if the code has it.
        proxy: Connection of the proxy, if the port has one.
        models: Properties of each model.
        declared: For an input port: the properties of its declared schema.
    """

    product: str
    name: str
    direction: str
    storage: Any
    proxy: Any
    models: Mapping[str, Mapping[str, Property]] = field(default_factory=dict)
    declared: Mapping[str, SourceProperty] | None = None

    @property
    def place(self) -> str:
        """The port in messages."""
        return f"{self.direction} port {self.name!r}"

    def read(self, model: str | None, columns: Iterable[str] | None, where: Where) -> Rows:
        """The rows of a model, or of a landing area.

        Raises:
            NotReadable: when they cannot be read.
        """
        connection = self.storage if self.storage is not None else self.proxy
        if connection is None:
            raise NotReadable(f"{self.place}: it has no connection to read from")
        name = self._model_to_read(model, connection)
        properties = self.models.get(name) if name is not None else None
        if isinstance(columns, str):
            raise NotReadable(f"{self.place}: found the text {columns!r} as `columns`, expected a list of names")
        chosen = tuple(columns) if columns is not None else None
        if chosen == ():
            raise NotReadable(f"{self.place}: `columns` names no column", hint="leave it out to read all columns")
        for column in chosen or ():
            if properties is not None and column not in properties:
                raise NotReadable(f"{self.place}: there is no column {column!r}; there are {', '.join(properties)}")
        source = Source(
            product=self.product,
            port=self.name,
            connection=connection,
            model=name,
            properties=properties,
            declared=self.declared,
            columns=chosen,
            where=conditions_of(where, properties, self.place, NotReadable, declared=self.declared),
        )
        return backend_of(connection, NotReadable, self.place).read(source)

    def write(
        self, model: str, data: Any, mode: str, where: Where, run: str | None, fingerprint: str | None
    ) -> Written:
        """Write rows of a model, all or nothing.

        Raises:
            NotWritable: when they cannot be written. The table is as it was.
        """
        backend, target = self._target(model, mode, where, fingerprint)
        if fingerprint is not None and mode != "overwrite":
            raise NotWritable(f"{self.place}: `fingerprint` belongs to mode 'overwrite', found mode {mode!r}")
        if target.fingerprint is not None and backend.fingerprint(target) == target.fingerprint:
            return Written(port=self.name, model=model, mode=target.mode, rows=0, repeated=True)
        if run == "":
            raise NotWritable(f"{self.place}: `run` is an empty text, which would be the id of many writes")
        known = current_run()
        if known is not None and run is None and not counts_writes():
            raise NotWritable(
                f"{self.place}: this process belongs to another process of run {known!r}, and both would give their "
                f"first write to model {model!r} the same id",
                hint='give this write an id that stays the same when the run is repeated: run="2024-05-01/north"',
            )
        target = replace(target, write_id=write_id(self.product, self.name, model, known, run), run=run or known)
        rows = CheckedRows(target, data)
        try:
            written = backend.write(target, rows)
        except WriteConflict:
            if target.write_id is not None:
                not_done(target.write_id, run)
            raise
        except Exception as error:
            if rows.failure is None or rows.failure is not error.__cause__:
                raise
            raise rows.failure from None  # the code failed to read a file of its own: the storage did not fail
        finally:
            rows.close()
        keep_receipt(written)
        return written

    def is_current(self, model: str, fingerprint: str) -> bool:
        """Whether the rows of a model are those of a fingerprint."""
        backend, target = self._target(model, "overwrite", None, fingerprint)
        return backend.fingerprint(target) == target.fingerprint

    def _target(self, model: str, mode: str, where: Where, fingerprint: str | None) -> tuple[Backend, Target]:
        if self.storage is None:
            raise NotWritable(f"{self.place}: it has no storage to write to")
        if not self.models:
            raise NotWritable(
                f"{self.place}: its models are not known here: an earlier version deployed the product",
                hint=remedy("{}, then run the code again", command("up", about_product=True)),
            )
        if model not in self.models:
            known = ", ".join(sorted(self.models))
            raise NotWritable(f"{self.place}: it has no model {model!r}; there are {known}")
        properties = self.models[model]
        backend = backend_of(self.storage, NotWritable, self.place)
        if mode not in MODES or mode not in backend.modes:
            raise mode_refused(self.name, mode, backend.name, backend.modes)
        checked: Mode = mode
        conditions = conditions_of(where, properties, self.place, NotWritable)
        self._check_mode(checked, conditions, model, properties)
        target = Target(
            product=self.product,
            port=self.name,
            connection=self.storage,
            model=model,
            properties=properties,
            mode=checked,
            where=conditions,
        )
        if fingerprint is None:
            return backend, target
        digest = sha256(f"{fingerprint}\n{target.schema}".encode()).hexdigest()
        return backend, replace(target, fingerprint=digest)

    def _check_mode(
        self, mode: Mode, conditions: tuple[Any, ...], model: str, properties: Mapping[str, Property]
    ) -> None:
        if mode == "replace_where" and not conditions:
            raise NotWritable(
                f"{self.place}: mode 'replace_where' needs `where`, the rows that it replaces",
                hint='where={"day": day}, or mode="overwrite" to replace all rows',
            )
        if mode != "replace_where" and conditions:
            raise NotWritable(f"{self.place}: `where` belongs to mode 'replace_where', found mode {mode!r}")
        if mode == "merge" and not any(each.key for each in properties.values()):
            raise NotWritable(
                f"{self.place}: mode 'merge' needs a key, and model {model!r} has none",
                hint="set `key: true` at the properties that identify a row",
            )

    def _model_to_read(self, model: str | None, connection: Any) -> str | None:
        names: list[str] = sorted({*self.models, *(getattr(connection, "tables", None) or ())})
        if model is None and len(names) == 1:
            return names[0]
        if model is None and names:
            raise NotReadable(f"{self.place}: name the model to read, one of {', '.join(names)}")
        if model is not None and names and model not in names:
            raise NotReadable(f"{self.place}: it has no model {model!r}; there are {', '.join(names)}")
        if model is not None and not names:
            raise NotReadable(f"{self.place}: it has no models; read it without a name")
        return model
