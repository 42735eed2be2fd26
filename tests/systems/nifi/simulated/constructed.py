"""A constructed NiFi: the part of the REST interface that dataflows need, in memory, of whatever version and types.

NiFi 2.x and the bundles for Kafka and Google of 1.x are not available as packages, so requests to them are
proven against this; its answers have the form of a real 1.18, and its types come from NiFi's sources
(:mod:`tests.systems.nifi.simulated.genuine`). It also misbehaves on demand.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

from tests.systems.nifi.simulated.genuine import SERVICES_2, STANDARD, TYPES_2, Type

Json = dict[str, Any]
__all__ = ["STANDARD", "ConstructedNifi", "Refused", "Type", "constructed"]


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str) -> None:
        self.status, self.message = status, message
        super().__init__(message)


@dataclass
class ConstructedNifi:
    """The server. ``fails`` is asked before each request, with method and path, and may raise :class:`Refused`."""

    version: str = "2.4.0"
    types: tuple[Type, ...] = TYPES_2
    services: tuple[Type, ...] = SERVICES_2
    password: str | None = None
    delay: float = 0.0
    down: bool = False
    fails: Callable[[str, str], None] = lambda method, path: None
    url: str = ""
    said: list[tuple[str, str]] = field(default_factory=list)
    entities: dict[str, Json] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=lambda: count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, method: str, path: str, body: Json, token: str | None) -> Json | str:
        """Answer one request."""
        time.sleep(self.delay)
        with self._lock:
            self.said.append((method, path))
            self.fails(method, path)
            if path == "/access/token":
                return self._token(body)
            if self.password is not None and token != "Bearer a-token":
                raise Refused(401, "Authentication is required")
            return self._route(method, path, body)

    def _token(self, body: Json) -> str:
        if body.get("password") != [self.password]:
            raise Refused(400, "The supplied username and password are not valid.")
        return "a-token"

    def _route(self, method: str, path: str, body: Json) -> Json:
        kind, _, rest = path.strip("/").partition("/")
        if kind == "flow":
            return self._flow(rest)
        if made := re.fullmatch(r"process-groups/([^/]+)/(\S+)", path.strip("/")):
            return self._inside(method, made[1], made[2], body)
        if update := re.fullmatch(r"parameter-contexts/([^/]+)/update-requests(/\S+)?", path.strip("/")):
            return self._update_parameters(method, self._entity(update[1]), body)
        if path == "/parameter-contexts":
            component = body["component"]
            return self._new(
                "context", {**component, "parameters": [self._parameter(one) for one in component["parameters"]]}
            )
        identity, _, act = rest.partition("/")
        entity = self._entity(identity)
        if entity["kind"] == "group":
            states = [found["component"]["state"] for found in self._all("processor")]
            entity |= {"runningCount": states.count("RUNNING"), "stoppedCount": states.count("STOPPED")}
        if method == "DELETE":
            return self.entities.pop(identity)
        if method == "PUT":
            self._check_revision(entity, body)
            if act == "run-status":
                self._check_valid(entity, body["state"])
                entity["component"]["state"] = body["state"]
            else:
                self._merge(entity, body["component"])
        return entity

    def _flow(self, path: str) -> Json:
        if path == "about":
            return {"about": {"title": "NiFi", "version": self.version}}
        if path == "processor-types":
            return {"processorTypes": [self._listed(found) for found in self.types]}
        if path == "controller-service-types":
            return {"controllerServiceTypes": [self._listed(found) for found in self.services]}
        if path == "parameter-contexts":
            return {"parameterContexts": self._all("context")}
        if path == "bulletin-board":
            return {"bulletinBoard": {"bulletins": []}}
        if path.endswith("/controller-services"):
            return {"controllerServices": self._all("service")}
        if path.endswith("/status"):
            return {"processGroupStatus": {"aggregateSnapshot": {"flowFilesQueued": 0}}}
        flow = {"processors": self._all("processor"), "connections": self._all("connection")}
        return {"processGroupFlow": {"flow": flow}}

    def _inside(self, method: str, group: str, what: str, body: Json) -> Json:
        if method == "GET":
            return {"processGroups": self._all("group")}
        component = body["component"]
        if what == "process-groups":
            if "parameterContext" in component:
                self._entity(component["parameterContext"]["id"])
            component = {name: value for name, value in component.items() if name != "comments"}  # as 1.18 does
            return self._new("group", component)
        if what == "connections":
            return self._new("connection", {**component, "name": ""})
        known = self.types if what == "processors" else self.services
        found = next(one for one in known if one.name == component["type"])
        described = {
            "properties": {name: found.defaults.get(name) for name in found.properties},
            "descriptors": {
                name: {"name": name, "displayName": shown, "sensitive": name in found.sensitive}
                | ({"defaultValue": found.defaults[name]} if name in found.defaults else {})
                for name, shown in found.properties.items()
            },
        }
        common = {**component, "parentGroupId": group, "validationStatus": "VALID"}
        if what == "processors":
            relationships = [{"name": name, "autoTerminate": False} for name in found.relationships]
            return self._new(
                "processor", {**common, "state": "STOPPED", "relationships": relationships, "config": described}
            )
        return self._new("service", {**common, "state": "DISABLED", **described})

    def _merge(self, entity: Json, change: Json) -> None:
        component = entity["component"]
        part = component["config"] if "config" in change else component
        new = dict(change.get("config", change))
        for name, value in new.pop("properties", {}).items():
            part["properties"][name] = value
            part["descriptors"].setdefault(name, {"name": name, "displayName": name, "dynamic": True})
            if value is None and part["descriptors"][name].get("dynamic"):
                del part["properties"][name], part["descriptors"][name]
        if "type" in component:
            component["validationErrors"] = self._errors(component, part["properties"])
            component["validationStatus"] = "INVALID" if component["validationErrors"] else "VALID"
        ended = new.pop("autoTerminatedRelationships", None)
        if ended is not None:
            for relationship in component["relationships"]:
                relationship["autoTerminate"] = relationship["name"] in ended
        part.update(new)

    def _errors(self, component: Json, properties: Json) -> list[str]:
        """NiFi's validation errors of properties, in its wording."""
        found = next(one for one in (*self.types, *self.services) if one.name == component["type"])
        said = "'{0}' validated against '{1}' is invalid because "
        unknown = said + "'{0}' is not a supported property or has no Validator associated with it"
        refused = said + "Given value not found in allowed set '{2}'"
        errors = [
            unknown.format(name, value)
            for name, value in properties.items()
            if name not in found.properties and not found.takes_any
        ]
        return errors + [
            refused.format(found.properties[name], properties.get(name), ", ".join(values))
            for name, values in found.values.items()
            if properties.get(name) not in (*values, None)
        ]

    def _check_valid(self, entity: Json, state: str) -> None:
        if state in ("RUNNING", "ENABLED") and entity["component"].get("validationErrors"):
            raise Refused(409, f"{entity['id']} cannot be enabled because it is not currently valid")
        if state == "RUNNING" and entity["component"]["state"] == "DISABLED":
            raise Refused(409, f"{entity['id']} cannot be started because it is not stopped. Current state is DISABLED")

    def _update_parameters(self, method: str, context: Json, body: Json) -> Json:
        if method == "POST":
            self._check_revision(context, body)
            known = {one["parameter"]["name"]: one for one in context["component"]["parameters"]}
            for change in body["component"]["parameters"]:
                name = change["parameter"]["name"]
                known[name] = self._parameter(change)
                if change["parameter"].get("value") is None:
                    del known[name]
            context["component"]["parameters"] = list(known.values())
        return {"request": {"requestId": "r1", "complete": True, "failureReason": None}}

    def _parameter(self, one: Json) -> Json:
        shown = "********" if one["parameter"].get("sensitive") else one["parameter"].get("value")
        return {"parameter": {**one["parameter"], "value": shown}}

    def _check_revision(self, entity: Json, body: Json) -> None:
        if body["revision"]["version"] != entity["revision"]["version"]:
            raise Refused(409, f"{entity['id']} is not the most up-to-date revision.")
        entity["revision"] = {"version": entity["revision"]["version"] + 1}

    def _new(self, kind: str, component: Json) -> Json:
        identity = f"{kind}-{next(self._ids)}"
        snapshot = {"aggregateSnapshot": {"flowFilesQueued": 0, "activeThreadCount": 0}}
        entity = {"id": identity, "kind": kind, "revision": {"version": 1}, "status": snapshot}
        self.entities[identity] = {**entity, "component": {**component, "id": identity}}
        return self.entities[identity]

    def _entity(self, identity: str) -> Json:
        if identity not in self.entities:
            raise Refused(404, f"Unable to find {identity}")
        return self.entities[identity]

    def _all(self, kind: str) -> list[Json]:
        return [entity for entity in self.entities.values() if entity["kind"] == kind]

    def _listed(self, found: Type) -> Json:
        bundle = {"group": "org.apache.nifi", "artifact": found.artifact, "version": self.version}
        return {"type": found.name, "bundle": bundle}


@contextmanager
def constructed(**options: Any) -> Iterator[ConstructedNifi]:
    """A constructed server that listens on loopback."""
    nifi = ConstructedNifi(**options)

    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            from urllib.parse import parse_qs

            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            is_form = "form" in self.headers.get("Content-Type", "")
            body = parse_qs(sent) if is_form else json.loads(sent or "{}")
            path = self.path.partition("?")[0].removeprefix("/nifi-api")
            if nifi.down:
                self.close_connection = True
                return  # no answer, as from a dead process
            try:
                found = nifi.answer(self.command, path, body, self.headers.get("Authorization"))
                status, answer = 200, found if isinstance(found, str) else json.dumps(found)
            except Refused as error:
                status, answer = error.status, error.message
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer.encode())))
            self.end_headers()
            with suppress(ConnectionError):  # the client may have timed out
                self.wfile.write(answer.encode())

        do_GET = do_POST = do_PUT = do_DELETE = respond

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Log nothing: ``said`` has the requests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    nifi.url = f"http://127.0.0.1:{server.server_port}/nifi-api"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield nifi
    finally:
        server.shutdown()
        server.server_close()
