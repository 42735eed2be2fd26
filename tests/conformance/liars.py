"""A package of components: one keeps every rule, each of the others breaks one."""
# ruff: noqa: E501 parts of other files in one line

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

RESOURCES = """\
from __future__ import annotations

from typing import Any

import pulumi


class Bucket(pulumi.CustomResource):
    pulumi_type = "acme:index:Bucket"
    url: pulumi.Output[str]

    def __init__(self, name: str, *, path: Any, labels: Any = None, key: Any = None, members: Any = None,
                 opts: Any = None) -> None:
        props = {"path": path, "labels": labels, "key": key, "members": members, "url": None}
        super().__init__(self.pulumi_type, name, props, opts)


class Member(pulumi.CustomResource):
    pulumi_type = "acme:index:BucketMember"

    def __init__(self, name: str, *, bucket: Any, member: Any, request: Any = None, opts: Any = None,
                 pulumi_type: str | None = None) -> None:
        props = {"bucket": bucket, "member": member, "request": request}
        super().__init__(pulumi_type or self.pulumi_type, name, props, opts)
"""

GOOD = {
    "spec": """\
from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="NAME",
    component_type="acme-files",
    roles=(Role.STORAGE, Role.INFRASTRUCTURE),
    summary="Files in a bucket of Acme.",
    version="1.0.0",
    maturity="beta",
    owner="acme",
    stateful=True,
    component="acme_liars.NAME.component:Files",
    args="acme_liars.NAME.models:Args",
    settings="acme_liars.NAME.models:Settings",
    outputs="alchemesh_platform.connections:FilesConnection",
    provides="acme-files",
    observe="acme_liars.NAME.functions:observe",
    measure="alchemesh_platform.sdk.quality:by_rows",
    check="acme_liars.NAME.functions:check",
    infer="acme_liars.NAME.functions:infer",
    guards=True,
)
""",
    "models": """\
from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field

from alchemesh_platform.base.units import Duration, parse_duration
from alchemesh_platform.sdk.models import Strict


class Args(Strict):
    retention: Duration | None = Field(default=None, description="Retention of files.")
    keep_on_destroy: bool = Field(default=True, description="Whether files stay when the bucket is removed.")


class Acme(Strict):
    host: str = Field(description="Host of the service.")


class Settings(Strict):
    acme: Acme = Field(description="The service.")
""",
    "component": """\
from __future__ import annotations

import os
import random
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from acme_liars.resources import Bucket, Member
from acme_liars.NAME.models import Args, Settings
from acme_liars.NAME.spec import SPEC
from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.sdk.consumer import Consumer


class Files(Component[Args, Settings]):
    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        self.members: list[str] = []
        wiring = self.wiring
        self.bucket = Bucket(
            f"{self.name}-bucket",
            path=f"{self.settings.acme.host}/{wiring.address}",
            labels={"env": wiring.environment, "domain": wiring.domain, "product": wiring.product, "port": wiring.port},
            key=pulumi.Output.secret(os.environ["ACME_TOKEN"]),
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=self.args.keep_on_destroy),
        )
        return {"kind": "files", "url": self.bucket.url, "format": None}

    def admit(self, identity: CodeIdentity) -> Sequence[pulumi.Resource]:
        if identity.kind != "acme":
            return ()
        member = pulumi.Output.concat("code:", identity.name)
        return [Member(f"{self.name}-code", bucket=self.bucket.url, member=member, opts=self.child_options)]

    def grant(self, consumer: Consumer) -> Sequence[pulumi.Resource]:
        self.members.append(consumer.address)
        return [
            Member(
                f"{self.name}-{consumer.request}",
                bucket=self.bucket.url,
                member=consumer.address,
                request=consumer.request,
                opts=self.child_options,
            )
        ]
""",
    "functions": """\
from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from acme_liars.NAME.models import Args, Settings
from alchemesh_platform.connections import FilesConnection
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.observation import Observation
from alchemesh_platform.sdk.models import SourceProperty
from alchemesh_platform.sdk.proposal import ProposedProperty
from alchemesh_platform.sdk.system.cloud_object import HeldObject
from alchemesh_platform.sdk.wiring import Wiring

COUNTER = [0]


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    if len(wiring.port) > 20:
        yield Objection(f"found {len(wiring.port)} characters, expected at most 20", at="name")


def holds(args: Args, settings: Settings, wiring: Wiring) -> Iterator[HeldObject]:
    yield from ()


def holds_more(args: Args, settings: Settings, wiring: Wiring) -> Iterator[HeldObject]:
    yield HeldObject("acme:index:Bucket", "bucket")
    yield HeldObject("acme:index:Bucket", "archive")


def infer(args: Args, settings: Settings, wiring: Wiring) -> list[ProposedProperty]:
    lines = Path(wiring.product_root, "sizes.txt").read_text().splitlines()
    return [ProposedProperty("size", SourceProperty(type="integer" if all(map(str.isdigit, lines)) else "string"))]


def observe(connection: FilesConnection) -> Observation:
    try:
        socket.create_connection((urlsplit(connection.url).hostname or "", 443), timeout=5).close()
    except OSError as error:
        return Observation("unknown", f"no answer: {error}")
    return Observation("healthy")
""",
    "case": """\
cases:
  - name: files of a product
    resource_name: raw-storage
    args: {retention: 7d}
    settings: {acme: {host: files.acme.example}}
    wiring: {environment: prod, domain: aviation, product: flights, port: raw, product_root: "{folder}"}
    files: {sizes.txt: "4\\n7\\n"}
    infer: {properties: {size: {type: integer}}}
    secrets: {environment: {ACME_TOKEN: s3cr3t-token}}
    admit: {kind: acme, name: flights-code}
    grant: {request: req-1, kind: user, address: bo@acme.example, users: [bo@acme.example]}
    computed: {"acme:index:Bucket": {url: "https://files.acme.example/raw"}}
    resources:
      - type: acme:index:Bucket
        name: raw-storage-bucket
        inputs:
          path: files.acme.example/aviation/flights/raw
          labels: {env: prod, domain: aviation, product: flights, port: raw}
          key: {4dabf18193072939515e22adb298388d: 1b47061264138c4ac30d75fd1eb44270, value: s3cr3t-token}
      - type: acme:index:BucketMember
        name: raw-storage-code
        inputs: {bucket: "https://files.acme.example/raw", member: "code:flights-code"}
      - type: acme:index:BucketMember
        name: raw-storage-req-1
        inputs: {bucket: "https://files.acme.example/raw", member: bo@acme.example, request: req-1}
    outputs: {kind: files, url: "https://files.acme.example/raw", format: null}
    observe:
      - {health: unknown, reason: no answer}
  - name: a long name
    settings: {acme: {host: files.acme.example}}
    wiring: {port: a-name-of-more-than-twenty-letters}
    objections:
      - {message: expected at most 20, at: name}
""",
}


@dataclass(frozen=True, slots=True)
class Liar:
    """A component that breaks one rule.

    Args:
        name: Its name.
        file: The file that differs from the good component's.
        old: A part of that file.
        new: The text in its place.
        rule: The rule that the kit must report.
        what: A part of the finding.
        alone: Whether no other rule may be reported.
    """

    name: str
    file: str
    old: str
    new: str
    rule: str
    what: str
    alone: bool = True


LABELS = '            labels={"env": wiring.environment, "domain": wiring.domain, "product": wiring.product, "port": wiring.port},\n'
GRANT_NAME = 'f"{self.name}-{consumer.request}"'
BUCKET_OPTS = "opts=pulumi.ResourceOptions(parent=self, retain_on_delete=self.args.keep_on_destroy),"
RESULT = '        return {"kind": "files", "url": self.bucket.url, "format": None}'
OBSERVE = '        return Observation("unknown", f"no answer: {error}")'
CHECK = "    if len(wiring.port) > 20:"
DURATION = "retention: Duration | None ="

LIARS = (
    # --- the spec
    Liar("heavy", "spec", "from alch", "import pydantic\nfrom alch", "spec-is-light", "loads pydantic"),
    Liar("unnamed", "spec", 'name="NAME"', 'name="other"', "spec-loads", "has the name 'other'"),
    Liar("broken", "spec", "from alch", "import acme_liars.gone\nfrom alch", "spec-loads",
         "No module named 'acme_liars.gone'"),
    Liar("wrong-ref", "spec", "functions:observe", "functions:observed", "references-resolve", "observe="),
    Liar("no-engine", "spec", "    guards=True,\n", '    guards=True,\n    engine="acme_liars.NAME.functions:observe",\n',
         "references-resolve", "is no engine: it has no name, start, look"),
    Liar("formless", "spec", '    provides="acme-files",\n', "", "storage-names-its-form", "no `provides`"),
    Liar("unguarded", "spec", "    guards=True,\n", "", "capability-has-a-case", "the platform never calls it"),
    Liar("foreign-spec", "component", "    spec = SPEC\n", "    spec = None\n", "references-resolve", "another spec"),
    Liar("stateless", "spec", "    stateful=True,\n", '    stateful=False,\n    holds="acme_liars.NAME.functions:holds",\n',
         "held-objects-match", "stateful=False"),
    Liar("holds-none", "spec", "    guards=True,\n", '    guards=True,\n    holds="acme_liars.NAME.functions:holds",\n',
         "held-objects-match", "`holds` names no object"),
    Liar("holds-more", "spec", "    guards=True,\n", '    guards=True,\n    holds="acme_liars.NAME.functions:holds_more",\n',
         "held-objects-match", "'raw-storage-archive', which the component does not declare"),
    Liar("untested-infer", "case", "    infer: {properties: {size: {type: integer}}}\n", "", "capability-has-a-case",
         "`infer` has no case"),
    Liar("measured-infrastructure", "spec", "(Role.STORAGE, Role.INFRASTRUCTURE)", "(Role.INFRASTRUCTURE,)",
         "measure-counts-rows", "the component has the role infrastructure only", alone=False),
    Liar("measure-without-port", "spec", "sdk.quality:by_rows", "sdk.quality:counts_of", "measure-counts-rows",
         "cannot be called with a port: missing a required argument"),
    Liar("measure-of-nothing", "spec", "alchemesh_platform.sdk.quality:by_rows", "acme_liars.NAME.functions:observe",
         "measure-counts-rows", "returns Observation, expected Tables"),
    Liar("hanging", "spec", "from alch", "import time\ntime.sleep(600)\nfrom alch", "spec-loads", "does not end within 1 s"),
    Liar("leaving", "spec", "from alch", "import os\nos._exit(4)\nfrom alch", "spec-loads",
         "the import of acme_liars.leaving.spec ends the process, with exit code 4"),
    Liar("hanging-models", "models", "class Acme(", "import time\ntry:\n    time.sleep(600)\nexcept Exception:\n    pass\n\n\nclass Acme(",
         "references-resolve", "the import of acme_liars.hanging_models.models does not end within 1 s"),
    # --- the models
    Liar("loose", "models", "class Args(Strict)", "class Args(BaseModel)", "models-are-strict", "Args: extra is not"),
    Liar(
        "undescribed", "models", 'description="Retention of files."', "", "fields-are-described", "argument retention"
    ),
    Liar(
        "lossy",
        "models",
        DURATION,
        "retention: Annotated[timedelta, BeforeValidator(parse_duration)] | None =",
        "arguments-round-trip",
        "args cannot be read again after JSON",
        alone=False,
    ),
    Liar(
        "schemaless",
        "models",
        DURATION,
        "retention: Annotated[int, BeforeValidator(lambda text: int(str(text).removesuffix('d')))] | None =",
        "arguments-round-trip",
        "args.retention, as the case has them, does not fit the JSON Schema",
    ),
    # --- the case file
    Liar("untested-grant", "case", "    grant: {", "    # grant: {", "capability-has-a-case", "`grant`", alone=False),
    Liar("untested-admit", "case", "    admit: {", "    # admit: {", "capability-has-a-case", "`admit`", alone=False),
    Liar("untested-check", "case", "  - name: a long name\n", "  - name: a long name\n    x: 1\n", "case-is-valid", "x"),
    Liar(
        "untested-observe",
        "case",
        "    observe:\n      - {health: unknown, reason: no answer}\n",
        "",
        "capability-has-a-case",
        "`observe` has no case",
    ),
    Liar("outside", "case", "files: {sizes.txt:", "files: {../sizes.txt:", "case-is-valid", "expected one below the folder"),
    Liar("no-yaml", "case", "cases:\n", "cases: [\n", "case-is-valid", "no YAML"),
    Liar("wrong-args", "case", "retention: 7d", "retention: 7 days", "case-is-valid", "args.retention"),
    # --- resources and outputs
    Liar("golden", "case", "member: bo@acme", "member: co@acme", "resources-match", 'is "bo@acme.example", expected "co'),
    Liar("golden-more", "case", "raw-storage-code\n", "raw-storage-app\n", "resources-match", "'raw-storage-code'"),
    Liar("raises", "component", RESULT, "        raise KeyError('x')", "component-builds", "KeyError: 'x'"),
    Liar("hangs", "component", RESULT, f"        time.sleep(600)\n{RESULT}", "component-builds", "it does not end within"),
    Liar("output-more", "component", RESULT, RESULT[:-1] + ', "x": 1}', "outputs-match", "found output 'x'"),
    Liar(
        "output-less",
        "component",
        RESULT,
        '        return {"kind": "files", "format": None}',
        "outputs-match",
        "output 'url' is missing",
    ),
    Liar("output-else", "case", 'outputs: {kind: files, url: "https', 'outputs: {kind: files, url: "http',
         "outputs-match", "output url is"),
    Liar("unparented", "component", BUCKET_OPTS, "opts=pulumi.ResourceOptions(retain_on_delete=True),",
         "children-are-parented", "'raw-storage-bucket' is no child"),
    Liar("unprefixed", "component", GRANT_NAME, 'f"reader-{consumer.request}"', "names-are-prefixed", "'reader-req-1'",
         alone=False),
    Liar("random-name", "component", GRANT_NAME, 'f"{self.name}-{uuid.uuid4()}-{consumer.request}"',
         "names-are-stable", "is declared in one run", alone=False),
    Liar("random-input", "component", "member=consumer.address", "member=str(random.random())",
         "names-are-stable", "in the next", alone=False),
    Liar("unlabelled", "component", LABELS, "", "labels-are-set",
         "no label with the environment and domain and product and port", alone=False),
    Liar("label-less", "component", '"port": wiring.port', '"port": "x"', "labels-are-set", "no label with the port",
         alone=False),
    # --- secrets
    Liar("plain-input", "component", 'pulumi.Output.secret(os.environ["ACME_TOKEN"])', 'os.environ["ACME_TOKEN"]',
         "secrets-are-marked", "key has ACME_TOKEN in plain text", alone=False),
    Liar("plain-output", "component", RESULT, RESULT.replace("self.bucket.url", 'os.environ["ACME_TOKEN"]'),
         "secrets-are-marked", "output url has ACME_TOKEN in plain text", alone=False),
    # --- previews
    Liar("formatted", "component", "bucket=self.bucket.url, member=member", 'bucket=f"{self.bucket.url}", member=member',
         "preview-is-safe", "has an output that was formatted as text", alone=False),
    Liar("early", "component", RESULT, "        if pulumi.runtime.is_dry_run():\n            len(self.bucket.url)\n" + RESULT,
         "preview-is-safe", "a preview fails"),
    Liar("missing-in-preview", "component", '        return [Member(f"{self.name}-code"',
         '        if pulumi.runtime.is_dry_run():\n            return ()\n        return [Member(f"{self.name}-code"',
         "preview-is-safe", "'raw-storage-code' is missing from a preview"),
    # --- access
    Liar("binding", "component", "request=consumer.request,", 'request=consumer.request, pulumi_type="acme:x:BucketIAMBinding",',
         "grant-is-additive", "replaces the whole list", alone=False),
    Liar("one-list", "component", "            key=",
         "            members=pulumi.Output.from_input(None).apply(lambda _: list(self.members)),\n            key=",
         "grant-is-additive", "members changes from", alone=False),
    Liar("only-one", "component", GRANT_NAME, 'f"{self.name}-consumer"', "grant-is-additive", "request changes",
         alone=False),
    Liar("kept-grant", "component", "                opts=self.child_options,\n",
         "                opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),\n",
         "grant-is-revocable", "is kept when the access ends"),
    Liar("shared-grant", "component", "                request=consumer.request,\n", "", "grant-is-revocable",
         "equals the resource of another request", alone=False),
    Liar("no-grant", "component", "        return [\n            Member(", "        return ()\n        return [\n            Member(",
         "grant-is-revocable", "declares no resource", alone=False),
    Liar("needed-grant", "component", "        return [\n            Member(",
         '        Member(f"{self.name}-late", bucket="b", member="m", opts=pulumi.ResourceOptions(parent=self,\n'
         '               depends_on=[Member(f"{self.name}-{consumer.request}-x", bucket="b", member="m", request=consumer.request)]))\n'
         "        return [\n            Member(", "children-are-parented", "-x'", alone=False),
    Liar("any-identity", "component", 'if identity.kind != "acme"', 'if identity.kind == ""', "admit-is-additive",
         "is declared for an identity of an unknown kind"),
    Liar("kept-admit", "component", "member=member, opts=self.child_options",
         "member=member, opts=pulumi.ResourceOptions(parent=self, protect=True)", "admit-is-revocable", "is kept"),
    # --- kept data
    Liar("deleted", "component", "retain_on_delete=self.args.keep_on_destroy", "retain_on_delete=False", "data-is-kept",
         "no resource is kept"),
    # --- functions
    Liar("infers-nothing", "functions", '"integer" if all(map(str.isdigit, lines)) else "string"', '"string"', "infer-matches",
         'size.type is "string", expected "integer"'),
    Liar("infer-raises", "functions", "    lines = ", "    raise KeyError('x')\n    lines = ", "infer-matches", "KeyError"),
    Liar("observe-raises", "functions", OBSERVE, "        raise", "observe-ends", "ConnectionRefusedError"),
    Liar("observe-hangs", "functions", OBSERVE, "        time.sleep(600)", "observe-ends", "gives no observation within"),
    Liar("observe-endless", "functions", ", timeout=5", "", "observe-ends", "without a time limit"),
    Liar("observe-guesses", "functions", OBSERVE, OBSERVE.replace("unknown", "unhealthy"), "observe-reports-unknown",
         "reports 'unhealthy'"),
    Liar("observe-text", "functions", OBSERVE, '        return "down"', "observe-ends", "returned a str"),
    Liar("check-writes", "functions", CHECK, f'    Path("/tmp/acme").write_text("x")\n{CHECK}', "check-is-pure",
         "writes /tmp/acme"),
    Liar("check-reads", "functions", CHECK, f'    Path("/etc/hostname").read_text()\n{CHECK}', "check-is-pure",
         "reads /etc/hostname"),
    Liar("check-asks", "functions", CHECK, f"    socket.socket().connect_ex(('127.0.0.1', 9))\n{CHECK}", "check-is-pure",
         "socket.connect"),
    Liar("check-environ", "functions", CHECK, f'    import os\n    if "PATH" not in os.environ:\n        return\n{CHECK}',
         "check-is-pure", "environment variables"),
    Liar("check-needs-environ", "functions", CHECK, f'    import os\n    os.environ["PATH"]\n{CHECK}',
         "check-is-pure", "environment variables"),
    Liar("check-varies", "functions", CHECK, f"    COUNTER[0] += 10\n{CHECK.replace('20', '20 + COUNTER[0]')}",
         "check-is-pure", "answers differently the second time"),
    Liar("check-silent", "functions", "> 20:", "> 2000:", "check-matches", "found: nothing"),
    Liar("check-loud", "functions", "> 20:", "> 2:", "check-matches", "does not expect"),
    Liar("check-raises", "functions", CHECK, f"    raise KeyError('x')\n{CHECK}", "check-matches", "KeyError"),
)  # fmt: skip


def module_of(name: str) -> str:
    """The name of a liar's module."""
    return name.replace("-", "_")


def write_liars(folder: Path, liars: tuple[Liar, ...] = LIARS, top: str = "acme_liars") -> None:
    """Write the package: the good component ``good``, and the liars.

    Args:
        folder: Folder of the package.
        liars: The components that break a rule.
        top: Name of its top-level module.
    """
    package = folder / top
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "resources.py").write_text(RESOURCES)
    entries = []
    for name, change in (("good", None), *((liar.name, liar) for liar in liars)):
        module = module_of(name)
        entries.append(f'{name} = "{top}.{module}.spec:SPEC"')
        (package / module).mkdir()
        (package / module / "__init__.py").write_text("")
        for file, good in GOOD.items():
            text = good
            if change is not None and change.file == file:
                assert change.old in good, f"{name}: {change.old!r} is not in {file}"
                text = good.replace(change.old, change.new, 1)
            written = text.replace('name="NAME"', f'name="{name}"').replace("NAME", module).replace("acme_liars", top)
            (package / module / ("case.yml" if file == "case" else f"{file}.py")).write_text(written)
    project = '[project]\nname = "acme-liars"\nversion = "1.0.0"\n\n[project.entry-points."alchemesh.components"]\n'
    (folder / "pyproject.toml").write_text(project + "\n".join(entries) + "\n")
