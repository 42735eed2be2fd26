"""The base of every component: a Pulumi component resource with typed arguments, settings and wiring."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

import pulumi
from pydantic import BaseModel

from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.fault import attributed
from alchemesh_platform.sdk.outputs import promised, valid
from alchemesh_platform.sdk.spec import ComponentSpec
from alchemesh_platform.sdk.wiring import Wiring

ArgsT = TypeVar("ArgsT", bound=BaseModel)
SettingsT = TypeVar("SettingsT", bound=BaseModel)


class Component(pulumi.ComponentResource, Generic[ArgsT, SettingsT]):
    """A building block of a data product. You can also use it in any Pulumi program.

    Args:
        name: Name of the resource; names of its children start with it.
        args: Arguments of the product team.
        settings: Settings of the platform team.
        wiring: The component's place in a product; by default, it belongs to no product and has a place of its own.
        opts: Pulumi's resource options.

    Raises:
        ComponentFault: when ``build`` fails, or returns outputs that do not fit the spec's model.

    Attributes:
        outputs: Fields of the spec's outputs model; values may be Pulumi outputs. Registered once, after ``build``.
    """

    spec: ClassVar[ComponentSpec]

    def __init__(
        self,
        name: str,
        args: ArgsT,
        settings: SettingsT,
        wiring: Wiring | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(self.spec.pulumi_type, name, None, opts)
        self.name = name
        self.args = args
        self.settings = settings
        self.wiring = wiring or Wiring.standalone(name, program=pulumi.get_project(), environment=pulumi.get_stack())
        self.child_options = pulumi.ResourceOptions(parent=self)
        port = self.wiring.address
        with attributed(self.spec, port, "build()"):
            built = self.build()
        with attributed(self.spec, port, "its model of outputs"):
            model = self.spec.outputs_model()
        self.outputs: Mapping[str, Any] = promised(self.spec, model, port, built)
        self.register_outputs(valid(self.spec, model, port, self.outputs))

    @abstractmethod
    def build(self) -> Mapping[str, Any]:
        """Declare the children, each by a named method, and return the outputs."""

    @property
    def identity(self) -> CodeIdentity | None:
        """For code: the identity that it acts as; None if it has no identity of its own."""
        return None

    def admit(self, identity: CodeIdentity) -> Sequence[pulumi.Resource]:
        """Grant the product's own code access to this port or need.

        Grant read access to an input port, and read and write access to a storage or a need. The platform calls
        this after ``build`` of all components of the product, if the code has an identity.

        Returns:
            Resources that must be deployed before the code can run.
        """
        return ()

    def grant(self, consumer: Consumer) -> Sequence[pulumi.Resource]:
        """Grant one consumer access: additive resources that do not affect other consumers.

        The platform calls this after ``build``, if the component's spec sets ``guards=True``. Start the name of each
        resource with the component's name and end it with ``consumer.request``.

        Returns:
            Resources that must be deployed before the consumer has access.
        """
        return ()

    def principals(self, consumer: Consumer) -> Sequence[pulumi.Input[str]]:
        """The principals of a consumer, as the component's technology names them. The grant's record stores them."""
        return ()
