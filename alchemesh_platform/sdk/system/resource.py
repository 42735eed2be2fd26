"""The base of every resource of the `alchemesh` provider.

The classes themselves are generated from the models of the handlers: ``python -m alchemesh_platform.provider.generate``
(docs/adr/0036-resource-classes-are-generated.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pulumi


class PlatformResource(pulumi.CustomResource):
    """A resource whose Python attributes are in snake case and whose Pulumi properties are in camel case.

    Only the names of the top level are translated, so that the provider receives documents (contracts, models,
    connections) as written.

    Args:
        name: Name of the resource.
        inputs: The value of each attribute. None means *not set*.
        opts: Pulumi's resource options. They use the names of Pulumi properties: ``ignore_changes=["keepOnDelete"]``.

    Attributes:
        pulumi_type: Pulumi type: ``alchemesh:local:Directory``.
        computed: Attributes that the provider computes.
        renamed: The property of each attribute whose property is not its name in camel case.
    """

    pulumi_type: ClassVar[str]
    computed: ClassVar[tuple[str, ...]] = ()
    renamed: ClassVar[Mapping[str, str]] = {}

    def __init__(self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        names = {
            attribute: self.renamed.get(attribute) or camel_case(attribute) for attribute in (*inputs, *self.computed)
        }
        props = {names[attribute]: value for attribute, value in inputs.items()}
        for attribute in self.computed:
            props.setdefault(names[attribute])
        super().__init__(self.pulumi_type, name, props, opts)
        # The SDK sets an Output for each Pulumi property. Copy it to the attribute that Python code uses.
        for attribute, pulumi_name in names.items():
            self.__dict__[attribute] = self.__dict__[pulumi_name]


def camel_case(attribute: str) -> str:
    """``http_port`` as Pulumi writes it: ``httpPort``."""
    first, *rest = attribute.split("_")
    return first + "".join(word.capitalize() for word in rest)
