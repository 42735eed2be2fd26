"""The classes that Pulumi programs use, and the models that the provider has, agree."""

from __future__ import annotations

import inspect

import pytest

from alchemesh_platform.provider.catalog import HANDLERS
from alchemesh_platform.provider.inputs import aliases
from alchemesh_platform.sdk.resource import PlatformResource, camel_case
from alchemesh_platform.systems.bigquery import resources as bigquery
from alchemesh_platform.systems.kafka import resources as kafka
from alchemesh_platform.systems.local import resources as local
from alchemesh_platform.systems.mesh import resources as mesh
from alchemesh_platform.systems.nifi import resources as nifi

CLASSES = [
    found
    for module in (mesh, local, nifi, bigquery, kafka)
    for found in vars(module).values()
    if isinstance(found, type) and issubclass(found, PlatformResource) and found is not PlatformResource
]
EVERY_CLASS = pytest.mark.parametrize("found", CLASSES, ids=[found.__name__ for found in CLASSES])


def test_every_type_has_a_class_and_every_class_a_type() -> None:
    assert {found.pulumi_type for found in CLASSES} == set(HANDLERS.by_type)


@EVERY_CLASS
def test_arguments_are_the_inputs_required_where_they_are(found: type[PlatformResource]) -> None:
    handler = HANDLERS.of(found.pulumi_type)
    parameters = inspect.signature(found.__init__).parameters
    arguments = {name: parameter for name, parameter in parameters.items() if parameter.kind is parameter.KEYWORD_ONLY}
    arguments.pop("opts")
    assert set(arguments) == set(handler.inputs.model_fields)
    for name, parameter in arguments.items():
        assert (parameter.default is parameter.empty) == handler.inputs.model_fields[name].is_required(), name
        default = handler.inputs.model_fields[name].get_default(call_default_factory=True)
        if parameter.default not in (parameter.empty, None):
            assert parameter.default == default, name


@EVERY_CLASS
def test_attributes_are_inputs_and_outputs(found: type[PlatformResource]) -> None:
    handler = HANDLERS.of(found.pulumi_type)
    declared = set(inspect.get_annotations(found))
    derived = {"sql", "rest", "graphql"} if found is local.DataApi else set()
    assert declared - derived == {*handler.inputs.model_fields, *handler.outputs.model_fields}
    assert set(found.computed) == set(handler.outputs.model_fields)


@EVERY_CLASS
def test_names_are_written_alike(found: type[PlatformResource]) -> None:
    handler = HANDLERS.of(found.pulumi_type)
    for name, alias in {**aliases(handler.inputs), **aliases(handler.outputs)}.items():
        assert camel_case(name) == alias
