"""The combined document of previews as values. It may come from another job, so it is validated, and never trusted."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.remedy import command, remedy

Word = Literal["succeeded", "refused", "failed", "cancelled"]
Count = Annotated[int, Field(ge=0, le=10**15)]
# Words of the document that a comment repeats as they are.
Short = Annotated[str, Field(max_length=500)]
Plain = Annotated[str, Field(pattern=r"^[a-z][a-z ]{0,30}$")]


LARGEST = 50_000_000  # bytes of a saved document


class NoPreviews(Failure):
    """Raised for a file that is not the document of `alchemesh preview --format json`."""

    exit_code = ExitCode.USAGE


class Part(BaseModel):
    """A part of the document. Fields of newer versions are skipped."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class ReadProblem(Part):
    """A problem with its place."""

    file: str
    line: Count = 1
    column: Count = 1
    path: str = ""
    message: str
    hint: str | None = None
    severity: Literal["error", "warning"] = "error"


class ReadDiff(Part):
    """A property that changes."""

    path: str
    kind: str = "update"
    old: Any = None
    new: Any = None


class ReadResource(Part):
    """A resource with its change."""

    name: str
    type: str
    operation: Plain
    state: Plain = "done"
    rows_lost: Count | None = None
    files_lost: Count | None = None
    stateful: bool = False
    replaced_by: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    diff: tuple[ReadDiff, ...] = ()


class ReadChange(Part):
    """A change of a contract."""

    path: str
    kind: Literal["breaking", "compatible", "documentation"]
    change: Literal["added", "removed", "changed"]
    message: str


class ReadStage(Part):
    """A version and a lifecycle of a contract."""

    version: str
    lifecycle: str


class ReadNotice(Part):
    """The notice that a change needs."""

    what: str
    period: str


class ReadHeld(Part):
    """A change that must wait for consumers."""

    consumers: tuple[str, ...] = ()
    passes_at: str
    message: str
    hint: str | None = None


class ReadStep(Part):
    """The step of a contract."""

    port: str
    recorded: ReadStage | None = None
    declared: ReadStage | None = None
    kind: Literal["breaking", "compatible", "documentation"] | None = None
    changes: tuple[ReadChange, ...] = ()
    consumers: tuple[str, ...] = ()
    notice: ReadNotice | None = None
    held: ReadHeld | None = None


class ReadPort(Part):
    """A port, a need, the code, or the product itself."""

    kind: Plain
    name: str
    component_type: str = ""
    components: tuple[str, ...] = ()
    operation: Plain = "same"
    state: Plain = "done"
    resources: tuple[ReadResource, ...] = ()
    problems: tuple[ReadProblem, ...] = ()
    promise: ReadStep | None = None
    file: str | None = None
    line: Count | None = None


class ReadLoss(Part):
    """Data that is deleted."""

    port: str
    resource: str
    rows: Count | None = None
    files: Count | None = None


class ReadGrant(Part):
    """A grant of a consumer."""

    request: str = ""
    port: str = ""
    requester_kind: str = ""
    requester: str = ""
    purpose: str = ""
    ends_at: str | None = None


class ReadPolicy(Part):
    """The result of a policy."""

    policy: str
    effect: str = ""
    outcome: str = ""
    message: str = ""
    hint: str | None = None


class ReadParty(Part):
    """A consumer or a provider, and the emails to ask."""

    address: str
    owners: tuple[str, ...] = ()


class ReadCommitment(Part):
    """A broken commitment."""

    port: str
    at: str
    by: str = ""
    reason: str = ""
    name: str = "notice_period"


class ReadPrice(Part):
    """A changed price."""

    port: str
    old: str
    new: str


class ReadDeviation(Part):
    """A property of a deployed resource that differs."""

    path: str
    declared: Any = None
    found: Any = None

    @property
    def sides(self) -> tuple[Any, Any]:
        """The declared value and the found one."""
        return self.declared, self.found


class ReadDrift(Part):
    """A resource that was changed or removed by hand."""

    port: str = ""
    resource: str
    change: Plain = "changed"
    properties: tuple[ReadDeviation, ...] = ()
    reason: str | None = None
    by: str | None = None
    at: str | None = None


class ReadDeployment(Part):
    """The document of one operation."""

    product: str
    operation: str = "preview"
    outcome: Word
    recorded: bool = True
    offline: bool = False
    losses: tuple[ReadLoss, ...] = ()
    assets: dict[str, tuple[str, ...]] = {}
    contracts: dict[str, tuple[str, ...]] = {}
    grants: dict[str, tuple[ReadGrant, ...]] = {}
    ports: tuple[ReadPort, ...] = ()
    problems: tuple[ReadProblem, ...] = ()
    waiting: tuple[ReadProblem, ...] = ()
    warnings: tuple[ReadProblem, ...] = ()
    notes: tuple[str, ...] = ()
    owner: str = ""
    team: str = ""
    policies: tuple[ReadPolicy, ...] = ()
    owners: tuple[ReadParty, ...] = ()
    commitments: tuple[ReadCommitment, ...] = ()
    prices: tuple[ReadPrice, ...] = ()
    drift: tuple[ReadDrift, ...] = ()
    drift_expected: tuple[ReadDrift, ...] = ()


class ReadError(Part):
    """A failure that prevented a preview."""

    message: str
    hint: str | None = None


class ReadPreview(Part):
    """One product in one environment."""

    product: Short = ""
    folder: str = ""
    environment: Short
    emulated: bool = False
    outcome: Word
    reasons: tuple[str, ...] = ()
    preview: ReadDeployment | None = None
    problems: tuple[ReadProblem, ...] = ()
    error: ReadError | None = None
    commands: tuple[tuple[str, ...], ...] = ()
    offline: bool = False
    repeats: str = ""  # the environment whose comment has the same problems; the document has no such field


class ReadRemoved(Part):
    """A product that has no manifest any more."""

    product: Short
    environment: Short


class ReadPreviews(Part):
    """The whole document."""

    at: Short = ""
    version: Short = ""
    commit: Short | None = None
    outcome: Word
    exit_code: Count = 0
    again: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    removed: tuple[ReadRemoved, ...] = ()
    previews: tuple[ReadPreview, ...] = ()


def read_previews(document: dict[str, Any]) -> ReadPreviews:
    """The document of this process as values."""
    return ReadPreviews.model_validate(document)


def parse_previews(text: str | bytes, source: str) -> ReadPreviews:
    """A saved document as values.

    Args:
        text: The content of the file.
        source: Name of the file, for the message.

    Raises:
        NoPreviews: when it is another document, or none.
    """
    hint = remedy("{} writes such a file", command("preview", "--save", "FILE"))
    if len(text) > LARGEST:
        raise NoPreviews(f"{source} has more than {LARGEST // 1_000_000} MB", hint=hint)
    try:
        return ReadPreviews.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        where = f" at {place}" if place else ""
        raise NoPreviews(f"{source} is not a document of previews{where}: {first['msg']}", hint=hint) from error
