"""CEL expressions of policies: compiled with type checks, and evaluated within limits.

Source: https://github.com/google/cel-spec/blob/master/doc/langdef.md, implemented by the CEL team's own library.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.packages.extras import install_command
from alchemesh_platform.base.problems import closest, did_you_mean
from alchemesh_platform.policies.models import Scope
from alchemesh_platform.policies.variables import VARIABLES

# The library's limit for one evaluation, for all loops together: cel-cpp, runtime/runtime_options.h,
# comprehension_max_iterations. It also limits the length and the nesting of an expression.
ITERATIONS_MAX = 10_000
COMPILED_MAX = 4096  # compiled expressions in the cache: many times the policies of a mesh

POLICIES = "alchemesh-platform[policies]"
CEL_MISSING = f"policies need {POLICIES}, which is not installed"

_LIBRARY_ERRORS = (RuntimeError, TypeError, ValueError)  # the exceptions of the binding
_PROTOBUF = "google.protobuf.descriptor_pool"
# Patterns of the library's messages. `re` compiles and keeps them when a message is explained.
_AT = r"ERROR: <input>:(-?\d+):(-?\d+): (.*)"
_STATUS = r"^[A-Z_]+: |\s*\[[A-Z_]+\]$"
_OPERATOR = r"_?([-+*/%<>=!&|]{1,2})_|@(in)\b"
_UNEXPECTED = r"[Ss]yntax error: (?:mismatched input|extraneous input|token recognition error at:) '(.*?) ?'( |$)"
_UNDECLARED = r"undeclared reference to '([^']*)'"
_UNBOUND = r'No value with name "([^"]+)" found in Activation'
_MISSING_KEY = r'Key not found in map ?: ?"?([^"]*)"?'
# Common functions for hints, from https://github.com/google/cel-spec/blob/master/doc/langdef.md#standard-definitions.
_FUNCTIONS = (
    *("has", "size", "all", "exists", "exists_one", "filter", "map"),
    *("contains", "startsWith", "endsWith", "matches", "duration", "timestamp", "int", "double", "string", "type"),
)


class WrongExpression(Exception):
    """Raised when a text is no CEL expression with a boolean result; has the reason and a fix."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.message = message
        self.hint = hint
        super().__init__(message)


class CelMissing(Failure):
    """Raised when policies cannot be compiled or evaluated because the CEL library is not installed."""

    def __init__(self) -> None:
        super().__init__(CEL_MISSING, hint=f"run `{install_command(POLICIES)}`")


class NotKnown(Exception):
    """Raised when the result depends on a variable without a value; has the variable's name."""

    def __init__(self, variable: str) -> None:
        self.variable = variable
        super().__init__(f"{variable} is not known")


class EvaluationFailed(Exception):
    """Raised when an expression cannot be evaluated; gives the reason as a sentence."""


class Expression:
    """A compiled expression. Several threads may use it."""

    def __init__(self, program: Any, scope: Scope) -> None:
        self._program = program
        self._scope = scope

    def holds(self, bound: Any) -> bool:
        """Evaluate the expression.

        Args:
            bound: The result of :func:`bind` for the same scope.

        Raises:
            NotKnown: when the result depends on a variable without a value. Operators such as ``||`` and ``&&`` do not
                raise if one operand decides the result.
            EvaluationFailed: when it fails, takes too long, or its result is not a boolean.
        """
        try:
            value = self._program.eval(bound)
            kind, result = value.type().name(), value.plain_value()
        except _LIBRARY_ERRORS as error:
            raise self._failure(str(error)) from error
        if kind == "ERROR":
            raise self._failure(str(result))
        if not isinstance(result, bool):
            raise EvaluationFailed(f"it gave {_named(kind)}, expected true or false")
        return result

    def _failure(self, message: str) -> NotKnown | EvaluationFailed:
        unbound = re.search(_UNBOUND, message)
        if unbound is not None and unbound[1] in VARIABLES[self._scope]:
            return NotKnown(unbound[1])
        if "Iteration budget exceeded" in message:
            return EvaluationFailed(f"it loops more than {ITERATIONS_MAX:,} times, which is not allowed")
        if "Applying SELECT to non-message type" in message:
            return EvaluationFailed("it reads a key of a value without keys")
        key = re.search(_MISSING_KEY, message)
        if key is not None:
            return EvaluationFailed(f"there is no key {key[1]!r}; check with has() first if it may be missing")
        return EvaluationFailed(_cleaned(message))


def cel_is_installed() -> bool:
    """Whether policies can be evaluated on this machine."""
    from importlib.util import find_spec

    return find_spec("cel_expr_python") is not None


def bind(scope: Scope, data: Mapping[str, Any]) -> Any:
    """Bind values to the variables of a scope, for any number of its expressions. Missing variables are unknown.

    Raises:
        CelMissing: when the library is not installed.
    """
    return _environment(scope).Activation(dict(data))


@lru_cache(maxsize=COMPILED_MAX)
def compiled(text: str, scope: Scope) -> Expression:
    """Compile an expression over the variables of a scope.

    Raises:
        WrongExpression: when it is not CEL, has an unknown name, mixes types, or cannot be a boolean.
        CelMissing: when the library is not installed.
    """
    try:
        program = _environment(scope).compile(text)
        kind = program.return_type().name()
    except _LIBRARY_ERRORS as error:
        raise _wrong(str(error), text, scope) from error
    if kind not in {"BOOL", "DYN"}:
        raise WrongExpression(f"found an expression that gives {_named(kind)}, expected one that gives true or false")
    return Expression(program, scope)


@cache
def _environment(scope: Scope) -> Any:
    try:
        from cel_expr_python import cel  # type: ignore[import-untyped]
    except ModuleNotFoundError as error:
        raise CelMissing from error

    kinds = {
        "string": cel.Type.STRING,
        "strings": cel.Type.List(cel.Type.STRING),
        "bool": cel.Type.BOOL,
        "list": cel.Type.List(cel.Type.DYN),
        "map": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
        "lists": cel.Type.Map(cel.Type.STRING, cel.Type.List(cel.Type.DYN)),
        "any": cel.Type.DYN,
    }
    with _without_protobuf():
        return cel.NewEnv(variables={name: kinds[variable.kind] for name, variable in VARIABLES[scope].items()})


@contextmanager
def _without_protobuf() -> Iterator[None]:
    """Prevent the library from importing protobuf, which takes five times as long as the rest of its import.

    The library imports protobuf for message types in expressions. Our expressions have none, and the library works
    without it. If another thread may be importing protobuf, this does not prevent the import.
    """
    if _PROTOBUF in sys.modules or threading.active_count() > 1:
        yield
        return
    sys.modules[_PROTOBUF] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[_PROTOBUF]


def _wrong(message: str, text: str, scope: Scope) -> WrongExpression:
    found = re.search(_AT, message)
    if found is None or int(found[1]) < 1:
        return WrongExpression(f"this is not CEL: {_cleaned(message if found is None else found[3])}")
    line, character = int(found[1]), int(found[2])
    where = f"at character {character}" if "\n" not in text else f"at line {line}, character {character} of it"
    undeclared = re.search(_UNDECLARED, found[3])
    if undeclared is not None:
        return _unheard_of(undeclared[1], where, text, scope)
    unexpected = re.search(_UNEXPECTED, found[3])
    if unexpected is None:
        return WrongExpression(f"this is not CEL, {where}: {_cleaned(found[3])}")
    what = "the end" if unexpected[1] == "<EOF>" else repr(unexpected[1])
    hint = "CEL compares with ==" if unexpected[1] == "=" else None
    return WrongExpression(f"this is not CEL, {where}: unexpected {what}", hint)


def _unheard_of(name: str, where: str, text: str, scope: Scope) -> WrongExpression:
    if re.search(rf"\b{re.escape(name)}\s*\(", text):
        return WrongExpression(
            f"found the function {name!r} {where}, expected one of CEL's own", did_you_mean(name, _FUNCTIONS)
        )
    known = list(VARIABLES[scope])
    hint = did_you_mean(name, known) if closest(name, known) else f"there is {', '.join(known)}"
    return WrongExpression(f"found {name!r} {where}, expected what a policy that applies to {scope} may name", hint)


def _cleaned(message: str) -> str:
    """The library's message without its codes, its names of operators and its lists of alternatives."""
    line = re.sub(_STATUS, "", re.sub(_STATUS, "", message.strip())).partition("\n")[0].partition(" expecting {")[0]
    line = re.sub(_OPERATOR, lambda match: match[1] or match[2], line).replace("_[_]", "[]").replace("_?_:_", "?:")
    return f"{line[:1].lower()}{line[1:]}".replace(" : ", ": ").replace(" (in container '')", "")


def _named(kind: str) -> str:
    words = {"STRING": "a text", "INT": "a whole number", "DOUBLE": "a number", "NULL": "nothing (null)"}
    return words.get(kind, f"a {kind.lower()}")
