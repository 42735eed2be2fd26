"""What every resource of the `alchemesh` provider has in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pulumi


class PlatformResource(pulumi.CustomResource):
    """A resource whose Python attributes are in snake case and whose Pulumi properties are in camel case.

    Nothing is translated below the top level, so that documents (contracts, models, connections) arrive as written.

    Args:
        name: Name of the resource.
        inputs: Attribute: value. None stands for *not set*.
        opts: Pulumi's resource options; they name properties as Pulumi does: ``ignore_changes=["keepOnDelete"]``.
    """

    pulumi_type: ClassVar[str]
    computed: ClassVar[tuple[str, ...]] = ()

    def __init__(self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        attributes = {attribute: camel_case(attribute) for attribute in (*inputs, *self.computed)}
        props = {attributes[attribute]: value for attribute, value in inputs.items()}
        for attribute in self.computed:
            props.setdefault(attributes[attribute])
        super().__init__(self.pulumi_type, name, props, opts)
        # The SDK has set an Output for each Pulumi property; give it the name that Python code uses.
        for attribute, pulumi_name in attributes.items():
            self.__dict__[attribute] = self.__dict__[pulumi_name]


def camel_case(attribute: str) -> str:
    """``http_port`` as Pulumi writes it: ``httpPort``."""
    first, *rest = attribute.split("_")
    return first + "".join(word.capitalize() for word in rest)
