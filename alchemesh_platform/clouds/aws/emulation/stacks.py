"""Resources of the emulated cloud: each is a CloudFormation stack of its own, so that the service itself has it.

MiniStack's Cloud Control, which the real provider calls, stores what it is given without telling the services.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.clouds.aws.emulation.gaps import NO_TEXT, fill

RESOURCE = "Resource"  # its logical name in its stack
MADE = "Made"  # an output of a stack whose creation has finished
WAIT_SECONDS = 900.0  # longer than the slowest resource
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]
_ABSENT_ATTRIBUTE = re.compile(r"Requested attribute (?P<name>\S+) does not exist")
_NOT_CHECKED = ("NOT_CHECKED", "UNKNOWN", "UNSUPPORTED")

Act = Literal["CREATE", "UPDATE", "DELETE"]


class Refused(Failure):
    """Raised when the emulated cloud rejects an operation, in the words of the real provider.

    Source: provider/pkg/client/await.go of pulumi-aws-native.

    Args:
        act: The operation.
        code: Code of the failure: https://docs.aws.amazon.com/cloudcontrolapi/latest/APIReference/API_ProgressEvent.html
        reason: The reason of CloudFormation or of the service.
        hint: The remedy, for failures that only an emulated cloud has.
    """

    def __init__(self, act: Act, code: str, reason: str, *, hint: Any = None) -> None:
        self.code = code
        super().__init__(f'operation {act} failed with "{code}": {reason}', hint=hint)


@dataclass(frozen=True, slots=True)
class Declared:
    """The one resource of a stack.

    Args:
        type: CloudFormation's name of its type.
        properties: Its properties.
        urn: Pulumi's name of the resource that owns it.
        kept: Whether no service has the type: the stack holds the properties only.
    """

    type: str
    properties: Mapping[str, Any]
    urn: str
    kept: bool = False

    def template(self, attributes: Iterable[str] | None) -> str:
        """The stack's template.

        Args:
            attributes: Attributes that it outputs; None while the creation is unfinished.
        """
        resource: dict[str, Any] = (
            {"Type": "AWS::CloudFormation::WaitConditionHandle", "Metadata": {"Of": self.type, "Is": self.properties}}
            if self.kept
            else {"Type": self.type, "Properties": self.properties}
        )
        outputs: dict[str, Any] = {}
        if attributes is not None:
            outputs = {name_of(name): {"Value": {"Fn::GetAtt": [RESOURCE, name]}} for name in attributes}
            outputs[MADE] = {"Value": "yes"}
        return json.dumps({"Description": self.urn, "Resources": {RESOURCE: resource}, "Outputs": outputs})


@dataclass(frozen=True, slots=True)
class Deployed:
    """A deployed stack."""

    name: str
    urn: str
    status: str
    ref: str
    outputs: Mapping[str, str]
    declared: Mapping[str, Any]

    @property
    def made(self) -> bool:
        """Whether its creation has finished."""
        return MADE in self.outputs


@dataclass(slots=True)
class Stacks:
    """The stacks of an emulated cloud.

    Args:
        client: boto3's client of CloudFormation.
        client_for: Returns boto3's client of another service.
        absent: Attributes that MiniStack does not know, by type.
    """

    client: Any
    client_for: Callable[[str], Any]
    absent: dict[str, set[str]] = field(default_factory=dict)

    def find(self, name: str) -> Deployed | None:
        """A stack with its resource; None if there is none."""
        found = self._described(name)
        if found is None:
            return None
        template = self.client.get_template(StackName=name)["TemplateBody"]
        body = json.loads(template) if isinstance(template, str) else template
        resources = self.client.describe_stack_resources(StackName=name)["StackResources"]
        return Deployed(
            name=name,
            urn=found.get("Description", ""),
            status=found["StackStatus"],
            ref=next((each.get("PhysicalResourceId", "") for each in resources), ""),
            outputs={each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", ())},
            declared=_declared(body["Resources"][RESOURCE]),
        )

    def holding(self, prefix: str, identity: str) -> Deployed | None:
        """The stack whose resource has an id that its service generated, such as the ARN of a secret; None without one.

        Args:
            prefix: The beginning of the names of stacks with resources of the type.
            identity: The id.
        """
        for page in self.client.get_paginator("list_stacks").paginate():
            for each in page["StackSummaries"]:
                if each["StackName"].startswith(prefix) and each["StackStatus"] != "DELETE_COMPLETE":
                    found = self.find(each["StackName"])
                    if found is not None and identity in (found.ref, *found.outputs.values()):
                        return found
        return None

    def create(self, name: str, declared: Declared, attributes: Iterable[str], stop: threading.Event) -> Deployed:
        """Create a resource, or finish the creation that a killed run began.

        Raises:
            Refused: when another resource has its name, or CloudFormation rejects it.
        """
        found = self.find(name)
        if found is not None:
            gone = self.drift(name) is None
            if not gone and (found.made or found.urn != declared.urn):
                text = f"Resource of type '{declared.type}' with identifier '{found.ref}' already exists."
                raise Refused("CREATE", "AlreadyExists", text)
            self.delete(name, stop)
        self._ask("CREATE", "create_stack", name, declared.template(None), stop, OnFailure="DO_NOTHING")
        return self._finish(name, declared, attributes, stop)

    def update(self, name: str, declared: Declared, attributes: Iterable[str], stop: threading.Event) -> Deployed:
        """Update a resource.

        Raises:
            Refused: when it does not exist, or CloudFormation rejects the change. The resource stays as it was.
        """
        if self._described(name) is None:
            raise Refused(
                "UPDATE",
                "NotFound",
                f"Resource of type '{declared.type}' was not found.",
                hint=remedy("{}, then {}", command("refresh"), command("up")),
            )
        self._ask("UPDATE", "update_stack", name, declared.template(()), stop)
        return self._finish(name, declared, attributes, stop)

    def delete(self, name: str, stop: threading.Event) -> None:
        """Delete a resource. A missing one is no error.

        Raises:
            Refused: when its service rejects that.
        """
        if self._described(name) is None:
            return
        self.client.delete_stack(StackName=name)
        done = self._settled(name, stop)
        if done is not None and done["StackStatus"] != "DELETE_COMPLETE":
            raise Refused("DELETE", "GeneralServiceException", self._reason(name, "DELETE"))

    def drift(self, name: str) -> Mapping[str, Any] | None:
        """The properties of the resource that somebody changed by hand, with their current values.

        Returns:
            None if it was deleted. Nothing for a type that MiniStack does not compare.
        """
        from botocore.exceptions import ClientError

        try:
            found = self.client.detect_stack_resource_drift(StackName=name, LogicalResourceId=RESOURCE)
        except ClientError:
            return {}  # of a type without detection
        drift = found["StackResourceDrift"]
        if drift["StackResourceDriftStatus"] == "DELETED":
            return None
        if drift["StackResourceDriftStatus"] in _NOT_CHECKED:
            return {}
        actual = json.loads(drift.get("ActualProperties") or "{}")
        changed = {each["PropertyPath"].split("/")[1] for each in drift.get("PropertyDifferences", ())}
        return {name: actual.get(name) for name in changed}

    def _finish(self, name: str, declared: Declared, attributes: Iterable[str], stop: threading.Event) -> Deployed:
        """Let the stack output the attributes of its resource: those that MiniStack knows."""
        absent = self.absent.setdefault(
            declared.type, set(attributes) if declared.kept else {*NO_TEXT.get(declared.type, ())}
        )
        while True:
            wanted = [each for each in attributes if each not in absent]
            try:
                self._ask("UPDATE", "update_stack", name, declared.template(wanted), stop)
            except Refused as error:
                missing = _ABSENT_ATTRIBUTE.search(error.message)
                if missing is None or missing["name"] not in wanted:  # another thread may have added it
                    raise
                absent.add(missing["name"])
            else:
                found = self.find(name)
                if found is None:
                    raise Refused("CREATE", "NotFound", f"the stack {name} was deleted meanwhile")
                fill(declared.type, declared.properties, self.client_for)
                return found

    def _ask(self, act: Act, method: str, name: str, template: str, stop: threading.Event, **more: Any) -> None:
        from botocore.exceptions import ClientError

        asked = {"StackName": name, "TemplateBody": template, "Capabilities": _CAPABILITIES, **more}
        try:
            getattr(self.client, method)(**asked)
        except ClientError as error:
            if "No updates are to be performed" in str(error):
                return
            raise Refused(act, "InvalidRequest", error.response["Error"]["Message"]) from error
        done = self._settled(name, stop)
        if done is not None and done["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return
        reason = self._reason(name, act)
        if act == "CREATE":
            self.client.delete_stack(StackName=name)
            self._settled(name, stop)
        raise Refused(act, "GeneralServiceException", reason)

    def _settled(self, name: str, stop: threading.Event) -> Mapping[str, Any] | None:
        """The stack after its operation; None if it was deleted."""
        deadline, pause = time.monotonic() + WAIT_SECONDS, 0.01
        while True:
            found = self._described(name)
            if found is None or not found["StackStatus"].endswith("_IN_PROGRESS"):
                return found
            if stop.wait(pause) or time.monotonic() > deadline:
                raise Refused("CREATE", "NotStabilized", f"the stack {name} is still {found['StackStatus']}")
            pause = min(pause * 1.5, 0.5)

    def _described(self, name: str) -> Mapping[str, Any] | None:
        from botocore.exceptions import ClientError

        try:
            found: Mapping[str, Any] = self.client.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return None if found["StackStatus"] == "DELETE_COMPLETE" else found

    def _reason(self, name: str, act: Act) -> str:
        """Why the last operation failed: the first failure since it began."""
        events = self.client.describe_stack_events(StackName=name)["StackEvents"]
        reasons = []
        for event in events:  # the newest first
            if event["ResourceStatus"].endswith("_FAILED") and event.get("ResourceStatusReason"):
                reasons.append(event["ResourceStatusReason"])
            if event["LogicalResourceId"] == name and event["ResourceStatus"] == f"{act}_IN_PROGRESS":
                break
        return str(reasons[-1]) if reasons else "no reason given"


def name_of(attribute: str) -> str:
    """The name of the output with an attribute, which has letters and digits only."""
    return "At" + "".join(part for part in attribute if part.isalnum())


def _declared(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    found = resource.get("Metadata", {}).get("Is") or resource.get("Properties")
    return dict(found or {})
