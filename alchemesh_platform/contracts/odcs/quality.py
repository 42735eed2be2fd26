"""Reads the quality rules of an ODCS contract as business tests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

from alchemesh_platform.base.names import NAME_MAX, NAME_PATTERN
from alchemesh_platform.contracts.compatibility.quality import OPERATORS
from alchemesh_platform.contracts.odcs import terms as odcs
from alchemesh_platform.contracts.odcs.models import ImportedModel
from alchemesh_platform.contracts.odcs.reading import Reading, fitting
from alchemesh_platform.documents.document import Path, listed, quoted
from alchemesh_platform.manifest.models import QualityRule

if TYPE_CHECKING:
    from open_data_contract_standard.model import DataQuality

_PLACEHOLDER = re.compile(r"\$?\{(table|object|model|column|property|field)\}")
_SQL_WORD = re.compile(r"""'(?:[^']|'')*'|"(?P<quoted>[^"]+)"|(?P<bare>[A-Za-z_]\w*)""")
# Names of the library in ODCS 3.0, with the names since 3.1.
_FORMER_METRICS = {"nullCheck": "nullValues", "duplicateCount": "duplicateValues"}
_KINDS = ("sql", "library", "text")
_OF_A_PROPERTY = frozenset({"nullValues", "missingValues", "invalidValues"})
_EXPLAINED = ("dimension", "severity", "unit")  # values of the standard that a manifest does not have


def read_quality(models: Mapping[str, ImportedModel], reading: Reading) -> list[QualityRule]:
    """Every rule that can become a business test of the port, in the order of the document."""
    rules: dict[str, QualityRule] = {}
    renamed = _renamed(models)
    for name, taken in models.items():
        for source, path, key in _sources(taken):
            rule = _Rule(source, path, name, key, taken, renamed, reading).read(set(rules))
            if rule is not None:
                rules[rule.name] = rule
    return list(rules.values())


def _renamed(models: Mapping[str, ImportedModel]) -> dict[str, str]:
    """The names of models and properties in the manifest, by their names in the document in small letters."""
    names: dict[str, str] = {}
    for name, taken in models.items():
        for before, now in ((taken.source.name or name, name), *taken.properties.items()):
            if before != now:
                names[before.casefold()] = now
    return names


def _sources(taken: ImportedModel) -> Iterator[tuple[DataQuality, Path, str | None]]:
    """The rules of a model and of its properties, each with its place."""
    for index, source in enumerate(taken.source.quality or ()):
        yield source, (*taken.path, "quality", index), None
    for at, held in enumerate(taken.source.properties or ()):
        key = taken.properties.get(held.name or "")
        if key is not None:
            for index, source in enumerate(held.quality or ()):
                yield source, (*taken.path, "properties", at, "quality", index), key


class _Rule:
    """One rule at one place."""

    def __init__(
        self,
        source: DataQuality,
        path: Path,
        model: str,
        key: str | None,
        taken: ImportedModel,
        renamed: Mapping[str, str],
        reading: Reading,
    ) -> None:
        self.source = source
        self.path = path
        self.model = model
        self.key = key
        self.taken = taken
        self.renamed = renamed
        self.reading = reading
        self.customs = reading.customs(path, source.customProperties)

    def read(self, used: set[str]) -> QualityRule | None:
        """The rule as a business test, or None if it is left out."""
        kind, metric = self.source.type or "library", self._metric()
        given = {"model": self._custom(odcs.MODEL, self.model), "property": self._custom(odcs.PROPERTY, self.key)}
        given |= {"type": kind, "description": self.source.description or ""}
        given |= {"metric": metric} if kind == "library" else {"query": self._query()} if kind == "sql" else {}
        given |= dict(self._documentation())
        given |= self._comparison(kind)
        reason = self._unfit(kind, metric, given)
        if reason is not None:
            self.reading.leave(self.path, reason)
            return None
        name = self._name(used, kind if metric is None else metric)
        rule: QualityRule | None = fitting(QualityRule, {"name": name, **given})
        if rule is None:
            self.reading.leave(self.path, "found a test that no manifest can hold")
            return None
        fields = ("type", "name", "description", "metric", "rule", "query", *OPERATORS)
        self.reading.take(*((*self.path, field) for field in fields))
        self._report_explained()
        self.reading.take(
            *(custom.path for name, custom in self.customs.items() if name in {*given, *OPERATORS, odcs.RESULT})
        )
        if self.source.arguments is not None:
            self.reading.take((*self.path, "arguments"))
        return rule

    def _metric(self) -> str | None:
        """The metric, by its name since ODCS 3.1."""
        metric = self.source.metric or self.source.rule
        known = _FORMER_METRICS.get(metric or "", metric)
        if metric is not None and known is not None and known != metric:
            self.reading.change((*self.path, "metric" if self.source.metric else "rule"), metric, known)
        return known

    def _in_manifest(self, query: str) -> str:
        """A query with the names of models and properties that the import changed. Texts in it stay."""

        def spelled(match: re.Match[str]) -> str:
            name = match["quoted"] or match["bare"]
            return self.renamed.get(name.casefold(), match[0]) if name else match[0]

        return _SQL_WORD.sub(spelled, query)

    def _custom(self, name: str, otherwise: Any) -> Any:
        return self.customs[name].value if name in self.customs else otherwise

    def _query(self) -> str | None:
        """The query, with the manifest's names of models and properties, also for other tools' placeholders."""
        query = self.source.query
        if query is None or self.reading.own:
            return query
        names = {"table": self.model, "object": self.model, "model": self.model, "column": self.key}
        names |= {"property": self.key, "field": self.key}
        spelled = self._in_manifest(_PLACEHOLDER.sub(lambda match: names[match[1]] or match[0], query))
        if spelled != query:
            self.reading.change((*self.path, "query"), query, spelled)
        return spelled

    def _documentation(self) -> list[tuple[str, Any]]:
        """The documentation of the rule that has a key in a manifest."""
        found = [(name, getattr(self.source, name)) for name in _EXPLAINED]
        return [(name, value) for name, value in found if value is not None and value in _words(name)]

    def _report_explained(self) -> None:
        for name in _EXPLAINED:
            value, place = getattr(self.source, name), (*self.path, name)
            if value is None or value in _words(name):
                self.reading.take(place)
            else:
                self.reading.leave(place, f"found {quoted(value)}, expected {listed(_words(name), 'or')}")

    def _comparison(self, kind: str) -> dict[str, Any]:
        own = {name: self.customs[name].value for name in OPERATORS if name in self.customs}
        if own:
            return own
        return {
            name: getattr(self.source, name)
            for name in OPERATORS
            if getattr(self.source, name) is not None and kind != "text"
        }

    def _unfit(self, kind: str, metric: str | None, given: Mapping[str, Any]) -> str | None:
        """The reason why the rule cannot be imported. The manifest's own checks have the same rules."""
        metrics = QualityRule.model_fields["metric"].annotation
        if kind not in _KINDS:
            return f"found a test of type {kind}, which only its own engine can run"
        if kind == "sql" and not self.source.query:
            return "found a test of type sql without a query"
        if kind == "library" and (metric is None or fitting(metrics, metric) is None):
            return f"found the metric {quoted(metric or '')}, expected one of the ODCS library"
        if kind == "library" and (metric in _OF_A_PROPERTY) != (given["property"] is not None):
            if metric == "rowCount":
                return "found the metric rowCount of a property, expected it of a model"
            if metric in _OF_A_PROPERTY:
                return f"found the metric {metric} of a model, expected it of a property"
        if kind != "text" and sum(given.get(name) is not None for name in OPERATORS) != 1:
            return "found no comparison that a manifest can hold, expected one"
        return self._unfit_arguments(metric)

    def _unfit_arguments(self, metric: str | None) -> str | None:
        """The reason why arguments of the metric cannot be imported.

        In a manifest the property defines valid values, so arguments can only repeat them.
        """
        if self.source.arguments is None:
            return None
        about = self.taken.model.properties.get(self.key or "")
        key = tuple(name for name, declared in self.taken.model.properties.items() if declared.key)
        if odcs.metric_arguments(metric, about, key) == self._arguments():
            return None
        return f"found arguments of the metric {metric} that its property does not say"

    def _arguments(self) -> Any:
        """The arguments of the metric, with the manifest's names of properties."""
        found = dict(self.source.arguments or {})
        if isinstance(found.get("properties"), list):
            found["properties"] = [self.taken.properties.get(name, name) for name in found["properties"]]
        return found

    def _name(self, used: set[str], what: str) -> str:
        """The rule's name, or a name derived from its subject. A number distinguishes rules with the same name."""
        made = "-".join(part for part in (self.model, self.key, what) if part)
        made = made.replace("_", "-").lower()[:NAME_MAX]
        name = made
        if self.source.name:
            name = self.reading.text((*self.path, "name"), self.source.name, NAME_PATTERN, NAME_MAX, made) or made
        number, unique = 1, name
        while unique in used:
            number += 1
            unique = f"{name[: NAME_MAX - len(str(number)) - 1]}-{number}"
        if unique != name and self.source.name:
            self.reading.change((*self.path, "name"), name, unique)
        return unique


def _words(name: str) -> tuple[str, ...]:
    """The values that a manifest allows for a field of a test."""
    [choice] = [kind for kind in get_args(QualityRule.model_fields[name].annotation) if kind is not type(None)]
    return get_args(choice)


def in_order(rules: Sequence[QualityRule], names: Any) -> tuple[QualityRule, ...]:
    """The rules in the order of the given names, and unnamed ones at the end."""
    known = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    rank = {name: index for index, name in enumerate(known)}
    return tuple(sorted(rules, key=lambda rule: rank.get(rule.name, len(rank))))
