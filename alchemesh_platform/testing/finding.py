"""A finding of the conformance kit: the broken rule, its place, its reason, and its fix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from alchemesh_platform.base.secrecy.recognise import without_secrets


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that every component keeps.

    Args:
        demands: The rule, as one sentence.
        why: Why it matters.
        fix: How to keep it.
        needs: The option of the command that checks it; empty if it is always checked.
    """

    demands: str
    why: str
    fix: str
    needs: str = ""


RULES: dict[str, Rule] = {
    "spec-loads": Rule(
        "The entry point of the component loads a ComponentSpec with its name.",
        "Without a spec, the catalogue reports the component as broken, and no platform file can name it.",
        "Correct the entry point in pyproject.toml, or the module that it names.",
    ),
    "spec-is-light": Rule(
        "The module of the spec imports neither Pulumi nor pydantic nor a client.",
        "`validate` and `components list` import the spec of each installed component.",
        "Name the classes by reference, `module:Name`, and import libraries in the modules of the component.",
    ),
    "references-resolve": Rule(
        "Each reference of the spec names an object that can be imported.",
        "The platform follows a reference when it needs it, which can be in the middle of a deployment.",
        "Correct the reference, or add the object to its module.",
    ),
    "models-are-strict": Rule(
        "The models of arguments and settings are frozen, and refuse unknown fields.",
        "Otherwise a spelling mistake in a manifest passes, and the default applies.",
        "Derive the model from alchemesh_platform.sdk.models.Strict.",
    ),
    "fields-are-described": Rule(
        "Each argument and each setting has a description.",
        "The catalogue, the editor's completion and the component's page show it.",
        "Add `Field(description=…)`.",
    ),
    "storage-names-its-form": Rule(
        "A storage names the form of its data, and a proxy serves forms that a storage provides.",
        "The platform refuses a proxy over a storage that it cannot serve by these names.",
        "Set `provides` in the spec of the storage, and name that form in `serves` of the proxy.",
    ),
    "measure-counts-rows": Rule(
        "`measure` belongs to a storage, takes the measured port alone, and returns its tables.",
        "`observe` and `contract verify` call it. If they cannot, the quality of each port is an error.",
        "Name `alchemesh_platform.sdk.quality:by_rows`, or a function `(port: MeasuredPort) -> Tables`.",
    ),
    "case-is-valid": Rule(
        "The case file follows its schema.",
        "The kit checks what the case file states, and nothing else.",
        "Correct the file at that line; docs/reference/conformance.md lists the fields.",
    ),
    "capability-has-a-case": Rule(
        "Each capability that the component declares has a case.",
        "Nothing else runs the code of that capability before a product team does.",
        "Add a case that uses the capability to the case file.",
    ),
    "arguments-round-trip": Rule(
        "Arguments survive the way through JSON, and fit their JSON Schema.",
        "Editors check a manifest by the JSON Schema, and records keep arguments as JSON.",
        "Give the type a serializer and a schema that describe the form that people write.",
    ),
    "component-builds": Rule(
        "The component declares its resources for each case.",
        "A component that fails here fails in every deployment.",
        "Correct the code at that line.",
    ),
    "outputs-match": Rule(
        "The component provides each output of its model, and the case lists all outputs.",
        "The product's code and the proxy of the port read these values.",
        "Return the field from `build`, or correct the outputs of the case.",
    ),
    "resources-match": Rule(
        "The declared resources are those of the case.",
        "The list shows reviewers what a change of the component does to deployed products.",
        "Correct the component, or the resources of the case.",
    ),
    "children-are-parented": Rule(
        "Each resource is a child of the component.",
        "Previews, errors and transforms find the port of a resource through its parents.",
        "Pass `opts=self.child_options` to the resource.",
    ),
    "names-are-prefixed": Rule(
        "The name of each resource starts with the component's name.",
        "Two components of one type would otherwise declare resources of one name in one stack.",
        'Name the resource f"{self.name}-…".',
    ),
    "names-are-stable": Rule(
        "Two runs with the same arguments declare the same resources.",
        "A name or an input that differs in each run replaces or changes the resource in each deployment.",
        "Derive names and inputs from arguments, settings and wiring: use no clock, no random value, no set order.",
    ),
    "labels-are-set": Rule(
        "Each resource that can have labels has the environment, domain, product and port as labels.",
        "Costs, budgets, owners and clean-ups are found by labels.",
        "Set the labels (or tags) of the resource from the wiring.",
    ),
    "secrets-are-marked": Rule(
        "Each secret is marked as one, in resources and in outputs.",
        "Pulumi writes unmarked values in plain text into the state, the event log and the preview.",
        "Wrap the value with `pulumi.Output.secret`, and keep it inside of the output.",
    ),
    "preview-is-safe": Rule(
        "The component can be previewed while values of other resources are unknown.",
        "The first preview of every product knows none of these values.",
        "Read values of resources in `apply` or `pulumi.Output.concat` only.",
    ),
    "grant-is-additive": Rule(
        "A grant adds resources of its own, and changes none of other consumers and none of the component.",
        "One more consumer would otherwise end the access of another.",
        "Declare a resource for each consumer; no resource that holds the whole list of members.",
    ),
    "grant-is-revocable": Rule(
        "The end of a grant removes its resources, and none that another grant needs.",
        "A consumer would keep access after the end of its request, or another one would lose it.",
        "Keep no resource of a grant on removal, and put the request into the name and into the binding.",
    ),
    "admit-is-additive": Rule(
        "`admit` adds resources, and changes none of the component.",
        "The component would otherwise be redeployed when a product gets code.",
        "Declare a resource for the identity.",
    ),
    "admit-is-revocable": Rule(
        "The removal of the code ends its access.",
        "An identity that the product no longer uses would keep access to the data.",
        "Keep no resource of `admit` on removal.",
    ),
    "check-is-pure": Rule(
        "`check` and `holds` read nothing but their arguments, change nothing, and answer the same each time.",
        "They run in each `validate`, in editors and in pipelines without credentials.",
        "Move what reads files to `look`, and what asks a service to the handler of the resource.",
    ),
    "check-matches": Rule(
        "`check` and `look` report what the case expects.",
        "A use that the target refuses must be refused before the deployment.",
        "Correct the function, or `objections` of the case.",
    ),
    "observe-ends": Rule(
        "`observe` returns an observation in time.",
        "`status` asks all components at once and waits for the slowest.",
        "Give each client a time limit below 10 s, and return an Observation for each failure that you expect.",
    ),
    "observe-reports-unknown": Rule(
        "`observe` reports a service that does not answer as unknown.",
        "A report of a failure calls people at night; without an answer, nobody knows whether it failed.",
        'Return Observation("unknown", reason) when the service cannot be asked.',
    ),
    "infer-matches": Rule(
        "`infer` proposes the schema that the case expects.",
        "Product teams take the proposal over as the declared schema of their port.",
        "Correct the function, or `infer` of the case.",
    ),
    "data-is-kept": Rule(
        "The removal of a stateful component keeps its data, unless an argument says otherwise.",
        "A port that is renamed or removed by mistake would otherwise lose its rows.",
        "Set `retain_on_delete=True` (or `keep_on_delete`) on the resource that holds data, by default.",
    ),
    "held-objects-match": Rule(
        "`holds` names the objects of a cloud that hold the component's data, and no others.",
        "The platform refuses the loss of data and the objects of other owners by this list.",
        "Yield a HeldObject for each of these resources from the function that `holds` names.",
    ),
    "deployment-succeeds": Rule(
        "The case can be deployed with the real engine.",
        "Mocks accept what a provider refuses.",
        "Correct the component, or `engine` of the case.",
        "--engine",
    ),
    "second-preview-is-empty": Rule(
        "A preview after the deployment has no changes.",
        "Otherwise each deployment changes the resource again, and reviewers no longer see what is new.",
        "Declare the value that the provider stores.",
        "--engine",
    ),
    "refresh-finds-no-drift": Rule(
        "A refresh after the deployment changes nothing.",
        "Drift that nobody caused hides the drift that somebody caused.",
        "Let `read` of the handler return the inputs in the form of the declaration.",
        "--engine",
    ),
    "killed-run-converges": Rule(
        "A deployment that is killed is completed by the next one.",
        "A resource without a record cannot be removed, and its name stays taken.",
        "Let `create` of the handler adopt the resource of the same owner.",
        "--engine",
    ),
    "destroy-removes-the-rest": Rule(
        "Destroy removes all resources but those that are kept.",
        "Leftovers cost money, and stay accessible.",
        "Let `delete` of the handler remove what `create` made, unless the input says that it is kept.",
        "--engine",
    ),
    "no-new-demand": Rule(
        "A new version accepts each manifest and platform file that the last version accepted.",
        "Deployed products would no longer validate after the upgrade.",
        "Give the new field a default, keep the type, or raise the major version and name the field in backticks in "
        "CHANGELOG.md.",
        "--against",
    ),
    "no-silent-replacement": Rule(
        "A new version replaces or deletes no deployed resource without a line in the changelog.",
        "An upgrade of the package would recreate the resources of every product, with their data.",
        "Keep the names and types (or set aliases), or name the resource in backticks in CHANGELOG.md, under the new "
        "version.",
        "--against",
    ),
    "example-is-valid": Rule(
        "Each example manifest of the package composes without problems.",
        "It is the first thing that a product team copies.",
        "Correct the example; `validate` shows each problem at its line.",
    ),
    "example-deploys": Rule(
        "Each example of the package can be deployed and destroyed, and a second preview is empty.",
        "It is the first thing that a product team runs.",
        "Correct the component or the example; `up` in its folder shows the problem.",
        "--engine",
    ),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule of a component.

    Args:
        rule: Name of the rule in :data:`RULES`.
        component: Name of the component.
        what: The found and the expected value.
        file: The file to look at.
        line: The line in it, from 1; 0 if unknown.
        case: Name of the case; empty if the finding is about the component as a whole.
        fix: How to fix it, if that is more exact than the fix of the rule.
    """

    rule: str
    component: str
    what: str
    file: str = ""
    line: int = 0
    case: str = ""
    fix: str = ""

    def __post_init__(self) -> None:
        """Mask secrets that the text of a component repeats."""
        object.__setattr__(self, "what", without_secrets(self.what))

    @property
    def where(self) -> str:
        """``file:line``."""
        return f"{self.file}:{self.line}" if self.line else self.file

    @property
    def why(self) -> str:
        """Why the rule matters."""
        return RULES[self.rule].why

    @property
    def remedy(self) -> str:
        """How to fix it."""
        return self.fix or RULES[self.rule].fix

    def __str__(self) -> str:
        subject = f"{self.component}, case {self.case!r}" if self.case else self.component
        place = f"{self.where}  " if self.file else ""
        return f"{place}{subject}: {self.rule}: {self.what}\n  why: {self.why}\n  fix: {self.remedy}"

    def as_json(self) -> dict[str, Any]:
        """The finding as one JSON object."""
        return {
            "rule": self.rule,
            "component": self.component,
            "case": self.case or None,
            "file": self.file or None,
            "line": self.line or None,
            "what": self.what,
            "why": self.why,
            "fix": self.remedy,
        }
