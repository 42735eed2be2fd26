"""Documents of previews as a test needs them: short to write, and as the command prints them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

TABLE = "alchemesh:local:DeltaTable"
API = "alchemesh:local:DataApi"
ASSET = "alchemesh:mesh:Asset"


def problem(message: str, line: int = 53, *, hint: str | None = None, severity: str = "error") -> dict[str, Any]:
    return {
        "file": "orders/alchemesh.yaml",
        "line": line,
        "column": 7,
        "path": "models.order.properties",
        "message": message,
        "hint": hint,
        "severity": severity,
    }


def diff(path: str, old: Any = None, new: Any = None, kind: str = "update") -> dict[str, Any]:
    return {"path": path, "kind": kind, "old": old, "new": new}


def resource(name: str, operation: str = "create", **fields: Any) -> dict[str, Any]:
    return {"name": name, "type": TABLE, "operation": operation, "state": "done", "diff": [], **fields}


def port(name: str, *resources: dict[str, Any], kind: str = "output", **fields: Any) -> dict[str, Any]:
    operations = {each["operation"] for each in resources} - {"same"}
    return {
        "kind": kind,
        "name": name,
        "component_type": "columnar-table",
        "components": ["delta-table", "postgresql-serving"],
        "file": "orders/alchemesh.yaml",
        "line": 55,
        "operation": operations.pop() if len(operations) == 1 else "update" if operations else "same",
        "state": "done",
        "resources": list(resources),
        "problems": [],
        **fields,
    }


def deployment(*ports: dict[str, Any], product: str = "retail/orders", **fields: Any) -> dict[str, Any]:
    return {
        "product": product,
        "environment": "prod",
        "emulated": False,
        "operation": "preview",
        "outcome": "succeeded",
        "recorded": True,
        "seconds": 1.0,
        "changes": {},
        "failures": 0,
        "losses": [],
        "assets": {},
        "contracts": {},
        "grants": {},
        "ports": list(ports),
        "problems": [],
        "waiting": [],
        "warnings": [],
        "notes": [],
        **fields,
    }


def preview(found: dict[str, Any] | None, product: str = "retail/orders", **fields: Any) -> dict[str, Any]:
    folder = product.rpartition("/")[2]
    return {
        "product": product,
        "folder": folder,
        "environment": "prod",
        "emulated": False,
        "outcome": found["outcome"] if found is not None else "failed",
        "exit_code": 0,
        "reasons": [],
        "preview": found,
        "problems": [],
        "error": None,
        "commands": [["alchemesh", "preview", "-C", folder, "-e", "prod"]],
        **fields,
    }


def document(*previews: dict[str, Any], **fields: Any) -> dict[str, Any]:
    words = {each["outcome"] for each in previews}
    return {
        "schema": "alchemesh/previews/1",
        "at": "2026-11-30T06:00:00+00:00",
        "version": "0.1.0",
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "outcome": next((word for word in ("failed", "refused", "cancelled") if word in words), "succeeded"),
        "exit_code": 0,
        "counts": dict.fromkeys(("previews", "changed", "failed", "refused", "cancelled", "unchanged"), 0),
        "changes": {},
        "again": ["alchemesh", "preview", "orders", "-e", "prod"],
        "notes": [],
        "previews": list(previews),
        **fields,
    }


def nothing() -> dict[str, Any]:
    """Two products without a change."""
    return document(
        preview(deployment(port("orders-table", resource("orders-table-storage-order", "same")))),
        preview(deployment(port("returns-table"), product="retail/returns"), "retail/returns"),
    )


def changes() -> dict[str, Any]:
    """A product with a change of each kind that is not dangerous, and an unchanged one."""
    table = resource(
        "orders-table-storage-order",
        "update",
        diff=[
            diff("columns.shop", None, {"name": "shop", "type": "string"}, "add"),
            diff("retention", "30d", "60d"),
            diff("columns.note", {"name": "note"}, None, "delete"),
        ],
    )
    api = resource("orders-table-proxy-server", type=API, unknown=["address", "users[0].password"])
    promise = {
        "port": "retail/orders/orders-table",
        "recorded": {"version": "1.0.0", "lifecycle": "active"},
        "declared": {"version": "1.1.0", "lifecycle": "active"},
        "kind": "compatible",
        "changes": [
            {
                "path": "models.order.properties.shop",
                "kind": "compatible",
                "change": "added",
                "message": "a property of type string",
            }
        ],
        "findings": [],
        "consumers": ["data_product:marketing/campaigns"],
        "notice": None,
        "held": None,
    }
    found = deployment(
        port("sales", kind="input", component_type="file-ingestion", components=["local-files"]),
        port("orders-table", table, api, promise=promise),
        assets={"update": ["retail/orders/orders-table/order"]},
        contracts={"update": ["retail/orders/orders-table"]},
        grants={
            "create": [
                {
                    "request": "req-1",
                    "port": "retail/orders/orders-table",
                    "requester_kind": "data_product",
                    "requester": "operations/punctuality",
                    "purpose": "how punctual shops are",
                    "ends_at": "2027-06-30T00:00:00+00:00",
                }
            ]
        },
        policies=[
            {
                "policy": "short-names",
                "effect": "warn",
                "outcome": "violated",
                "message": "the name is long",
                "hint": "shorten it",
                "points": 0,
                "places": [],
            }
        ],
        commitments=[
            {
                "port": "retail/orders/orders-table",
                "at": "2026-11-01T09:00:00+00:00",
                "by": "",
                "reason": "uptime is 98.2%, promised 99.5%",
                "name": "uptime",
            },
            {
                "port": "retail/orders/orders-table",
                "at": "2026-11-01T09:00:00+00:00",
                "by": "ada@shop.example",
                "reason": "a court order",
            },
        ],
        prices=[{"port": "retail/orders/orders-table", "old": "free", "new": "0.40 EUR per 1000 requests (per_use)"}],
        drift=[
            {
                "port": "orders-table",
                "resource": "orders-table-storage-order",
                "type": TABLE,
                "change": "changed",
                "properties": [{"path": "retention", "declared": "30d", "found": "7d"}],
                "reason": None,
                "by": "bo@shop.example",
                "at": "2026-11-29T10:00:00+00:00",
            }
        ],
        warnings=[problem("the product has no description", 3, severity="warning")],
        notes=["the registry is new"],
    )
    return document(
        preview(found, reasons=["`orders/alchemesh.yaml` changed"]),
        preview(deployment(product="retail/returns"), "retail/returns"),
        notes=["retail/old was removed: `alchemesh destroy` removes its resources"],
    )


def breaking() -> dict[str, Any]:
    """A breaking change with consumers and a notice period, with lost data, a replacement and a revoked grant."""
    held = "the breaking change waits for data_product:marketing/campaigns, who holds a grant"
    promise = {
        "port": "retail/orders/orders-table",
        "recorded": {"version": "1.0.0", "lifecycle": "active"},
        "declared": {"version": "2.0.0", "lifecycle": "active"},
        "kind": "breaking",
        "changes": [
            {
                "path": "models.order.properties.amount",
                "kind": "breaking",
                "change": "removed",
                "message": "a property that consumers read",
            },
            {"path": "contract.version", "kind": "documentation", "change": "changed", "message": "2.0.0, was 1.0.0"},
        ],
        "findings": [],
        "consumers": ["data_product:marketing/campaigns", "user:bo@shop.example"],
        "notice": {"what": "breaking-change", "period": "90d"},
        "held": {
            "what": "breaking-change",
            "consumers": ["data_product:marketing/campaigns"],
            "passes_at": "2027-02-23T17:12:00+00:00",
            "given_at": None,
            "message": f"{held}. No notice was given; with a notice now, it is allowed from 2027-02-23 17:12 UTC.",
            "hint": "`alchemesh contract notice orders-table breaking-change` gives notice of 90 days",
        },
    }
    found = deployment(
        port(
            "orders-table",
            resource(
                "orders-table-storage-order",
                "replace",
                stateful=True,
                rows_lost=336_776,
                files_lost=None,
                replaced_by=["location"],
                diff=[diff("location", "EU", "US", "update-replace")],
            ),
            resource(
                "orders-table-storage-history",
                "replace",
                stateful=True,
                replaced_by=["location"],
                diff=[diff("location", "EU", "US", "update-replace")],
            ),
            promise=promise,
        ),
        losses=[{"port": "orders-table", "resource": "orders-table-storage-order", "rows": 336_776, "files": None}],
        grants={
            "delete": [
                {
                    "request": "req-2",
                    "port": "retail/orders/orders-table",
                    "requester_kind": "user",
                    "requester": "bo@shop.example",
                    "purpose": "a study",
                    "ends_at": None,
                }
            ]
        },
        contracts={"update": ["retail/orders/orders-table"]},
        waiting=[problem(held, severity="warning", hint=promise["held"]["hint"])],  # type: ignore[index]
        owners=[
            {"address": "data_product:marketing/campaigns", "owners": ["cy@shop.example"]},
            {"address": "user:bo@shop.example", "owners": ["bo@shop.example"]},
        ],
    )
    return document(preview(found))


def failure() -> dict[str, Any]:
    """A product with problems, one that a policy forbids, one that crashed, and one with changes."""
    port_problem = problem(
        "found 'columnar-tabel', expected a component type", 14, hint="did you mean 'columnar-table'?"
    )
    return document(
        preview(None, problems=[port_problem, problem("found the key again", 60)]),
        preview(
            None,
            "retail/returns",
            outcome="refused",
            problems=[problem("policy public-data: personal data must not be public", 20)],
            error={
                "message": "a policy forbids it",
                "hint": "`alchemesh policy show NAME` shows what a policy asks for",
            },
        ),
        preview(None, "retail/stock", error={"message": "the engine did not start", "hint": None}),
        preview(
            deployment(port("shops-table", resource("shops-table-storage-shop")), product="retail/shops"),
            "retail/shops",
        ),
        again=["alchemesh", "preview", "orders", "returns", "stock", "shops", "-e", "prod"],
    )


def secrets() -> dict[str, Any]:
    """Properties that hold secrets: by mask, by name, by the form of the value, old and new."""
    table = resource(
        "orders-table-proxy-server",
        "update",
        diff=[
            diff("users.ada", "[secret]", "[secret]"),
            diff("dbPassword", "hunter2-old", "hunter2-new"),
            diff("url", "postgresql://ada:hunter2-old@db/orders", "postgresql://ada:hunter2-new@db/orders"),
            diff("settings", {"api_key": "hunter2-old"}, {"api_key": "hunter2-new"}),
            diff("sasl.jaas", None, "hunter2-new", "add"),
            diff("replicas", 1, 2),
        ],
    )
    return document(preview(deployment(port("orders-table", table))))


NAMES = (
    "`x` **bold** <b>html</b>",
    "@all and #12 and !3 and ~label and retail/orders#4",
    "</details></summary><script>alert(1)</script>",
    "<!-- alchemesh:preview run=99.1 -->",
    "![image](https://evil.example/x.png) [link](https://evil.example)",
    "https://evil.example/x www.evil.example mail@evil.example",
    "``` \n\n/close\n/merge\n# heading\n```",
    "\x1b[2J\x1b[1A\u202eesrever\u200b",
    "a|b|c $x^2$ :tada: deadbeefdeadbeef GH-12 &lt; &#64;all",
    "::error file=x::forged\n##[add-mask]x",
)


def hostile(names: Sequence[str] = NAMES) -> dict[str, Any]:
    """Text of others in every place of the document that they write."""
    found = []
    for number, name in enumerate(names):
        table = resource(
            name, "update", type=f"x:y:{name}", diff=[diff(name, name, name)], unknown=[name], replaced_by=[name]
        )
        promise = {
            "port": f"retail/orders/{name}",
            "recorded": {"version": name, "lifecycle": name},
            "declared": {"version": name, "lifecycle": "active"},
            "kind": "breaking",
            "changes": [{"path": name, "kind": "breaking", "change": "removed", "message": name}],
            "findings": [],
            "consumers": [name],
            "notice": {"what": name, "period": name},
            "held": {
                "what": name,
                "consumers": [name],
                "passes_at": name,
                "given_at": None,
                "message": name,
                "hint": name,
            },
        }
        one = deployment(
            port(name, table, promise=promise, component_type=name, components=[name], file=name),
            product=name,
            assets={"create": [f"a/b/{name}/{name}"]},
            grants={"delete": [{"request": name, "port": f"a/b/{name}", "requester": name, "purpose": name}]},
            losses=[{"port": name, "resource": name, "rows": 1, "files": None}],
            warnings=[{**problem(name, hint=name), "file": name, "path": name}],
            notes=[name],
            owners=[{"address": name, "owners": [name]}],
            policies=[{"policy": name, "effect": name, "outcome": name, "message": name, "hint": name}],
            commitments=[
                {"port": name, "at": name, "by": name, "reason": name},
                {"port": name, "at": name, "by": name, "reason": name, "name": name},
            ],
            prices=[{"port": name, "old": name, "new": name}],
            drift=[{"resource": name, "properties": [diff(name)], "by": name, "at": name, "reason": name}],
        )
        failed = {"message": name, "hint": name}
        problems = [{**problem(name, hint=name), "file": name}]
        found.append(preview(one, name, environment=name, folder=name, reasons=[name], commands=[[name, name]]))
        if number % 2:
            found.append(preview(None, name, environment=name, error=failed, problems=problems, commands=[[name]]))
    removed = [{"product": name, "environment": name} for name in names]
    ends = {"commit": names[0], "at": names[-1], "version": names[0]}
    return document(*found, again=list(names), notes=list(names), removed=removed, **ends)


def many(count: int = 200) -> dict[str, Any]:
    """Many products: a failed one, a breaking one, and most with changes of many properties."""
    found = []
    for number in range(count):
        product = f"retail/product-{number:03}"
        tables = [
            resource(
                f"table-{number}-{each}",
                "update",
                diff=[diff(f"columns.column_{column}.description", "before " * 6, "after " * 6) for column in range(8)],
            )
            for each in range(4)
        ]
        found.append(
            preview(deployment(port(f"table-{number}", *tables), port("sales", kind="input"), product=product), product)
        )
    found[count // 2] = {**breaking()["previews"][0], "product": "retail/breaking"}
    found[count // 3] = {**failure()["previews"][0], "product": "retail/failing"}
    return document(*found)


CASES = {
    "nothing": nothing,
    "changes": changes,
    "breaking": breaking,
    "failure": failure,
    "secrets": secrets,
    "hostile": hostile,
    "many": many,
}
