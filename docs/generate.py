"""Write the pages that are generated from the code; ``--check`` lists stale pages instead."""

from __future__ import annotations

import inspect
import io
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, fields
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import click
import yaml
from rich.console import Console
from rich.text import Text

from alchemesh_cli.documents import DOCUMENTS, address_of, published
from alchemesh_cli.main import COMMANDS, alchemesh
from alchemesh_cli.render.plan import plan_lines
from alchemesh_cli.terminal.printing import shown_text
from alchemesh_platform.access.operating import Operating, Right, Target
from alchemesh_platform.access.requester import Requester
from alchemesh_platform.access.rights import (
    NotAllowed,
    check_asks,
    check_decides,
    check_speaks_for,
    check_takes_part,
)
from alchemesh_platform.app.rights import check_mesh_right, recorded_rights
from alchemesh_platform.base.failure import EXIT_CODES
from alchemesh_platform.catalog.discover import Catalog, discover
from alchemesh_platform.catalog.field_table import field_rows, written_schema
from alchemesh_platform.catalog.page import component_pages
from alchemesh_platform.compose.compose import compose
from alchemesh_platform.deployment.checks.components import resolved_components
from alchemesh_platform.identity.identity import Identity, Mapped
from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.manifest.lock import lock_text
from alchemesh_platform.manifest.models import DataProduct
from alchemesh_platform.measures.measure import MEASURES
from alchemesh_platform.measures.state import PRECEDENCE
from alchemesh_platform.mesh_repo.difference import MeshDiff, RecordChange
from alchemesh_platform.mesh_repo.models import Domain, Users
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.platform_file.models import PlatformFile
from alchemesh_platform.policies.given import PolicyFile
from alchemesh_platform.policies.load import SHIPPED, SHIPPED_TOGETHER, load_policies
from alchemesh_platform.registry.records import (
    AccessRequestRecord,
    DomainRecord,
    Persona,
    ProductRecord,
    Record,
    RequestStep,
    TeamRecord,
    UserRecord,
)
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.sdk.spec import ComponentSpec, Maturity, Role
from alchemesh_platform.testing.cases import case_file_schema
from alchemesh_platform.testing.finding import RULES

DOCS = Path(__file__).parent
NOTE = "<!-- Generated from the code by `make docs`. Do not edit. -->\n\n"


def pages() -> dict[Path, str]:
    """Every generated page: its path relative to docs, and its text."""
    catalog = discover()
    found = {
        Path("reference/commands.md"): commands_page(),
        Path("reference/exit-codes.md"): exit_codes_page(),
        Path("reference/json.md"): json_page(),
        Path("reference/sql.md"): sql_page(),
        Path("reference/measures.md"): measures_page(),
        Path("reference/rights.md"): rights_page(),
        Path("reference/credentials.md"): credentials_page(),
        Path("reference/manifest.md"): model_page("The manifest, `alchemesh.yaml`", written_schema(DataProduct)),
        Path("reference/platform-file.md"): model_page(
            "The platform file, `platform.yaml`", written_schema(PlatformFile)
        ),
        Path("reference/mesh-repo.md"): "\n".join(
            (
                model_page("The mesh repo: a domain, `kind: Domain`", written_schema(Domain)),
                model_page("The mesh repo: users, `kind: Users`", written_schema(Users)),
                model_page("The mesh repo: a policy, `kind: Policy`", written_schema(PolicyFile)),
            )
        ),
        Path("reference/conformance.md"): conformance_page(),
        Path("reference/component-spec.md"): spec_page(),
    }
    found |= {Path("components", name): text for name, text in component_pages(catalog).items()}
    found = {path: NOTE + re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n" for path, text in found.items()}
    together = SHIPPED_TOGETHER.relative_to(DOCS.parent)
    schemas = {Path(f"reference/json/{name}.json"): f"{json.dumps(published(name), indent=2)}\n" for name in DOCUMENTS}
    schemas[Path("reference/case-file.json")] = f"{json.dumps(case_file_schema(), indent=2)}\n"
    locks = {
        Path("..", "examples", name, "alchemesh.lock"): example_lock(name, catalog)
        for name in ("flights", "punctuality")
    }
    return {**found, **locks, **schemas, Path("plan.svg"): plan_picture(), Path("..") / together: shipped_together()}


def example_lock(name: str, catalog: Catalog) -> str:
    """The lock of an example, which the demo deploys from the checkout."""
    platform = load_platform(None, "local", Path("home"))
    plan = compose(load_manifest(DOCS.parent / "examples" / name / "alchemesh.yaml"), platform, catalog)
    return lock_text({"local": resolved_components(plan)})


def shipped_together() -> str:
    """The shipped policies in one file, which every run reads."""
    policies = [loaded.policy.model_dump(mode="json", exclude_unset=True) for loaded in load_policies([SHIPPED])]
    return json.dumps(policies, indent=1, ensure_ascii=False) + "\n"


def plan_picture() -> str:
    """The output of `alchemesh plan` for an example, as a picture."""
    platform = load_platform(None, "local", Path("home"))
    loaded = load_manifest(DOCS.parent / "examples" / "flights" / "alchemesh.yaml")
    console = Console(record=True, width=96, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(shown_text("\n".join(plan_lines(compose(loaded, platform, discover()))), styles=True)))
    picture = console.export_svg(title="alchemesh plan", unique_id="plan")
    # Use the reader's own fonts, so that the picture loads nothing from the network.
    return re.sub(r"@font-face \{.*?\}\s*|<!--.*?-->\s*", "", picture, flags=re.DOTALL) + "\n"


def commands_page() -> str:
    """Each command's help, as `--help` prints it."""
    return "\n".join(["# Commands", "", *_command_sections()])


def _command_sections() -> Iterator[str]:
    root = click.Context(alchemesh, info_name="alchemesh", max_content_width=100, terminal_width=100)
    for name in COMMANDS:
        command = alchemesh.get_command(root, name)
        if command is None:
            raise LookupError(name)
        yield from _help(f"alchemesh {name}", command, root)


def _help(path: str, command: click.Command, parent: click.Context) -> Iterator[str]:
    context = click.Context(
        command, info_name=path.rpartition(" ")[2], parent=parent, max_content_width=100, terminal_width=100
    )
    yield from (f"## `{path}`", "", "```", command.get_help(context), "```", "")
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None:
                yield from _help(f"{path} {name}", child, context)


def measures_page() -> str:
    """Every measure with its formula, its source and the reason for which it is unknown."""
    rows = [
        f"| `{each.name}` | {each.subject} | {each.unit} | {each.formula} | {each.source} | {each.unknown_when} |"
        for each in MEASURES.values()
    ]
    states = ", ".join(f"`{state}`" for state in PRECEDENCE)
    return "\n".join(
        (
            "# Measures",
            "",
            "An [observation](../concepts/observation.md) has the value of one of these measures. "
            "[Report quality and state](../reports.md) shows how code and people report them.",
            "",
            "| Measure | Of | Unit | Formula | Reported by | Unknown when |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            "A ratio is a number from 0 to 1 and has both of its counts. Without anything to count it is unknown, "
            "never 1: an empty table has no quality.",
            "",
            f"Where several states meet, the first of these holds: {states}.",
        )
    )


def sql_page() -> str:
    """Clients and types of SQL, from the tests that run them."""
    from tests.clouds.gcp.emulation.cloud_run.running import bigquery_type
    from tests.systems.local.serving.clients import CHECKS
    from tests.systems.local.serving.matrix import KINDS, PARTITIONS

    partitions = sorted({kind.model for kind in KINDS if kind.name in PARTITIONS and kind.model})
    lines = [
        "# SQL of a local data API: clients and types",
        "",
        "A data API on this machine answers SQL with a PostgreSQL that serves a copy of the tables. The database has",
        "the name of the user: `postgresql://USER:PASSWORD@127.0.0.1:PORT/USER`. A table has its model's name.",
        "",
        "## Clients",
        "",
        "The tests run each of these against a real data API, through its gateway:",
        "",
        "| Client | Tested |",
        "|---|---|",
        *(f"| {check.client} | {check.does} |" for check in CHECKS),
        "",
        "## Types",
        "",
        "The tests write each of these to a Delta table, with null in another row, and read them over SQL. Columns of",
        f"type {', '.join(partitions)} are also tested as partitions, with null.",
        "",
        "The tests also write each type that BigQuery has to a table there, and read it over REST and GraphQL on",
        "Cloud Run, which serves a copy with the same types in PostgreSQL. An array of BigQuery holds no null, and its",
        "null is `[]`. SQL on Google Cloud is BigQuery's own.",
        "",
        "| Type of a model | Type in the table | Type in PostgreSQL | For example | Type in BigQuery |",
        "|---|---|---|---|---|",
        *(
            f"| {kind.model or '–'} | {kind.arrow} | `{kind.sql}` | `{kind.shown[0]}` "
            f"| {f'`{found}`' if (found := bigquery_type(kind)) else '–'} |"
            for kind in KINDS
        ),
        "",
        "- Objects, arrays of objects and arrays of arrays are `jsonb`. Decimals in it are exact, bytes are base64.",
        "- Text in PostgreSQL holds no NUL. The copy shows ␀ instead.",
        "- A table with a date before the year 1 or after 9999 keeps its former copy, and `status` names the column.",
        "- `validate` refuses a property whose name PostgreSQL uses in each table, such as `ctid` and `xmin`.",
        "",
    ]
    return "\n".join(lines)


def json_page() -> str:
    """Each JSON document: the commands that print it, and its schema."""
    rows = [
        f"| {', '.join(f'`{command}`' for command in document.commands) or 'any'} | {document.about} "
        f"| [`{address_of(name)}`](json/{name}.json){'' if document.named else ', not named in the document'} |"
        for name, document in DOCUMENTS.items()
    ]
    return "\n".join(
        [
            "# JSON documents",
            "",
            "With `--json`, a command prints one JSON document on stdout. The document names its schema in `schema`; "
            "documents that are lists do not. A version rises when a field is removed, or gets another meaning. New "
            "fields may come at any time: ignore fields that you do not know.",
            "",
            "| Command | Document | Schema |",
            "|---|---|---|",
            *rows,
        ]
    )


def conformance_page() -> str:
    """The rules of components, and the fields of a case file."""
    rows = [f"| `{name}` | {rule.demands} | {rule.why} | {rule.fix} |" for name, rule in RULES.items()]
    case_file = model_page("The case file", case_file_schema()).replace("# The case file", "## The case file", 1)
    return "\n".join(
        [
            "# Rules of components",
            "",
            "`alchemesh components test` tests a component against these rules: [test a component](../conformance.md).",
            "",
            "| Rule | Demand | Why | Fix |",
            "|---|---|---|---|",
            *rows,
            "",
            case_file,
        ]
    )


def spec_page() -> str:
    """The fields of a component's spec, as its class describes them."""
    text = (inspect.getdoc(ComponentSpec) or "").partition("Args:\n")[2]
    found = re.findall(r"^    (\w+): (.*(?:\n     .*)*)", text, re.MULTILINE)
    meanings = {name: " ".join(meaning.split()) for name, meaning in found}
    rows = [
        f"| `{field.name}` | `{str(field.type).replace('|', _BAR)}` | {_default_of(field)} "
        f"| {_without_roles(meanings[field.name])} |"
        for field in fields(ComponentSpec)
    ]
    return "\n".join(
        [
            "# The spec of a component",
            "",
            "`spec.py` of a component's package has its spec: a value of `alchemesh_platform.sdk.spec.ComponentSpec`. "
            "[Write a component](../authoring.md) creates one.",
            "",
            "| Field | Type | Default | Meaning |",
            "|---|---|---|---|",
            *rows,
            "",
            f"`Role` is one of {', '.join(f'`Role.{role.name}`' for role in Role)}; the last two are of shared stacks. "
            f"`Maturity` is one of {', '.join(f'`{word}`' for word in get_args(Maturity))}. "
            "A `Permission` has a `name` and a `description`.",
        ]
    )


_BAR = "\\|"  # in a cell of a table


def _default_of(field: Field[Any]) -> str:
    if field.default is MISSING:
        return "**required**"
    return f"`{field.default}`" if field.default else ""


def _without_roles(text: str) -> str:
    """A docstring's text in Markdown: names of code without the roles of Sphinx."""
    text = re.sub(r":\w+:`([^`]+)`", r"`\1`", text).replace("``", "`")
    return text.replace("|", _BAR)


def exit_codes_page() -> str:
    """The meaning of each exit code."""
    rows = [f"| {code.value} | {meaning} |" for code, meaning in EXIT_CODES.items()]
    return "\n".join(["# Exit codes", "", "| Code | Meaning |", "|---|---|", *rows])


def _ci(repository: str, *products: str) -> Identity:
    return Identity(f"repo:{repository}:environment:prod", "https://ci.example", repository, (Mapped(products),))


ENVIRONMENT = "prod"
PRODUCT = "retail/orders"
PERSONAS = {
    "owner of the product": Identity("olivia@acme.example", "https://login.example"),
    "member of the product's team": Identity("mia@acme.example", "https://login.example"),
    "owner of the domain": Identity("dora@acme.example", "https://login.example"),
    "member of another team of the domain": Identity("nils@acme.example", "https://login.example"),
    "consumer, in another domain": Identity("carl@acme.example", "https://login.example"),
    "platform owner": Identity("pat@acme.example", "https://login.example"),
    "pipeline mapped to the product": _ci("acme/orders", PRODUCT),
    "pipeline of another product": _ci("acme/shoes", "retail/shoes"),
    "user outside the mesh": Identity("eve@elsewhere.example", "https://login.example"),
}


def _rights_mesh() -> list[Record]:
    """A deployed product in a mesh that has each persona."""

    def user(name: str, *personas: Persona) -> UserRecord:
        return UserRecord(environment=ENVIRONMENT, address=f"{name}@acme.example", name=name.title(), personas=personas)

    def team(domain: str, name: str, member: str) -> TeamRecord:
        return TeamRecord(
            environment=ENVIRONMENT,
            address=f"{domain}/{name}",
            domain=domain,
            name=name,
            team_kind="data_product_team",
            members=(f"{member}@acme.example",),
        )

    return [
        DomainRecord(environment=ENVIRONMENT, address="retail", type="source_aligned", owner="dora@acme.example"),
        DomainRecord(environment=ENVIRONMENT, address="mail", type="consumer_aligned", owner="pat@acme.example"),
        team("retail", "shop", "mia"),
        team("retail", "returns", "nils"),
        team("mail", "campaigns", "carl"),
        user("olivia", "data_product_owner"),
        user("dora", "data_product_owner"),
        *(user(name, "data_product_developer") for name in ("mia", "nils", "carl")),
        user("pat", "platform_owner"),
        ProductRecord(
            environment=ENVIRONMENT,
            address=PRODUCT,
            team="shop",
            owner="olivia@acme.example",
            version="1.0.0",
            lifecycle="stable",
        ),
    ]


def _rights_of(registry: Registry, identity: Identity) -> dict[str, str]:
    """A mark for each action of one persona."""
    operating = Operating.of(registry, ENVIRONMENT, identity)
    found = {
        f"`{right.operation}`": right for right in recorded_rights(registry, ENVIRONMENT, identity, PRODUCT).rights
    }
    another = Target.product(PRODUCT, "returns", "nils@acme.example")
    new = Target.product("retail/new", "shop", identity.subject)
    found["`up` of a new product"] = operating.right("up", new)
    found["`up` with another owner or team"] = operating.right("up", another)
    found["`domain up`, `domain destroy`"] = operating.right("up", Target.domain("retail"))
    found["`platform up`, `platform destroy`"] = operating.right("up", Target.platform(ENVIRONMENT))
    found["`destroy --delete-data`, `data delete`, `data erase`"] = operating.right(
        "destroy", Target.product(PRODUCT), delete_data=True
    )
    team, access = Requester("technical_team", "mail/campaigns"), _access()
    found["`access request` for the team `mail/campaigns`"] = _checked(
        check_asks, registry, ENVIRONMENT, identity, team
    )
    found["`access reject`, `access extend` of that request"] = _checked(
        check_decides, registry, identity, access, "extend"
    )
    found["`access revoke`, `access renew` of that request"] = _checked(
        check_takes_part, registry, identity, access, "revoke"
    )
    found["`access credential` of that request"] = _checked(
        check_speaks_for, registry, identity, access, "get the credential of"
    )
    member = registry.get(TeamRecord, ENVIRONMENT, "retail/shop")
    person = registry.get(UserRecord, ENVIRONMENT, "mia@acme.example")
    for action, changed in (("teams of the domain", member), ("users", person)):
        difference = MeshDiff((RecordChange(changed, None),))
        found[f"`mesh apply`: {action}"] = _checked(check_mesh_right, registry, ENVIRONMENT, identity, difference)
    return {action: "✓" if right.allowed else "R" if right.may_take_over else "–" for action, right in found.items()}


def _access() -> AccessRequestRecord:
    """Access of a team of another domain to a port of the product."""
    return AccessRequestRecord(
        environment=ENVIRONMENT,
        address="req-0a1b2c3d",
        product=PRODUCT,
        port=f"{PRODUCT}/sales",
        requester_kind="technical_team",
        requester="mail/campaigns",
        purpose="mailings",
        state="granted",
        steps=(RequestStep(state="granted", at=datetime(2026, 1, 5, tzinfo=UTC), by="olivia@acme.example"),),
    )


def _checked(check: Callable[..., None], *arguments: object) -> Right:
    """The right that a check of the code gives."""
    try:
        check(*arguments)
    except NotAllowed as refused:
        return Right("", allowed=False, message=refused.message)
    return Right("")


RIGHTS_INTRODUCTION = """\
# Rights: persona × action

The shipped policies give these rights in an environment with a recorded mesh. The table is made from the policies
and from the rights in the code, for a product `retail/orders` of the team `retail/shop`. [Rights](../rights.md)
explains it. `alchemesh whoami --on PRODUCT` shows your own rights. Commands that only read, such as `status`, `preview`
and `contract diff`, check no right: each user who can open the registry can use them.

✓ allowed · R allowed with `--take-over REASON` · – refused with exit code 4
"""


def rights_page() -> str:
    """The rights of each persona, from the policies and the rights in the code."""
    with TemporaryDirectory() as folder, Registry.open(f"sqlite:///{folder}/registry.db") as registry:
        registry.write(_rights_mesh())
        rights = {persona: _rights_of(registry, identity) for persona, identity in PERSONAS.items()}
    actions = list(next(iter(rights.values())))
    lines = [RIGHTS_INTRODUCTION, f"| Action | {' | '.join(PERSONAS)} |", "|---" * (len(PERSONAS) + 1) + "|"]
    lines += [f"| {action} | {' | '.join(given[action] for given in rights.values())} |" for action in actions]
    return "\n".join(lines)


CREDENTIALS_INTRODUCTION = """\
# Credentials and local users

The tables say which actions are possible with a credential, and for users of the machine that serves a data API. Tests
try every cell against a deployed data API. [Rights](rights.md) has the table of people and their personas; [sharing a
machine](../sharing-a-machine.md) explains files, servers and code.

## Credentials of a data API
"""

LOCAL_USERS_INTRODUCTION = """
## Users of the machine

A user of the same machine, other than the user who deploys, reaches none of these files. The administrator of the
machine reaches all of them, and so does code that runs as the user who deploys.

| In the home of the platform | Another user reads | Another user changes |
|---|---|---|
"""


def credentials_page() -> str:
    """The tables of credentials and local users, from the data of their tests."""
    table = yaml.safe_load((DOCS.parent / "tests" / "attacks" / "reach.yml").read_text("utf-8"))
    holders, actions = table["credentials"]["holders"], table["credentials"]["actions"]
    lines = [f"| Action | {' | '.join(holders)} |", "|---" * (len(holders) + 1) + "|"]
    for at, action in enumerate(actions):
        lines.append(f"| {action} | {' | '.join('yes' if may[at] else 'no' for may in holders.values())} |")
    users = "\n".join(f"| {kind} | no | no |" for kind in table["files"])
    return CREDENTIALS_INTRODUCTION + "\n" + "\n".join(lines) + "\n" + LOCAL_USERS_INTRODUCTION + users


def model_page(title: str, schema: dict[str, Any]) -> str:
    """A model and its nested models, each as a table of fields."""
    lines = [f"# {title}", "", *field_rows(schema)]
    for name, part in sorted(schema.get("$defs", {}).items()):
        if "properties" in part:
            lines += [f"## {name}", "", part.get("description", "").partition("\n")[0], "", *field_rows(part)]
        elif "enum" in part:
            values = ", ".join(f"`{value}`" for value in part["enum"])
            lines += [f"## {name}", "", part.get("description", "").partition("\n")[0], "", f"One of {values}.", ""]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` name the stale ones; returns the exit code."""
    wanted = {DOCS / path: text for path, text in pages().items()}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    known = set(wanted) | {DOCS / "components" / "README.md"}
    gone = [path for path in (DOCS / "components").glob("*.md") if path not in known]
    if "--check" in arguments:
        for path in [*stale, *gone]:
            click.echo(f"stale: {path.resolve().relative_to(DOCS.parent.resolve())}; run `make docs`", err=True)
        return 1 if stale or gone else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path], "utf-8")
    for path in gone:
        path.unlink()
    click.echo(f"{len(stale)} written, {len(gone)} removed, {len(wanted) - len(stale)} unchanged")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
