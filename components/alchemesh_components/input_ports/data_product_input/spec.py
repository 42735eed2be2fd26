"""Catalogue entry of data-product-input."""

from alchemesh_platform.sdk.spec import ComponentSpec, Role

SPEC = ComponentSpec(
    name="data-product-input",
    component_type="data-product-input",
    roles=(Role.INPUT_PORT,),
    summary="An output port of another data product, read through the protocols of that port.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=False,
    component="alchemesh_components.input_ports.data_product_input.component:DataProductInput",
    args="alchemesh_components.input_ports.data_product_input.models:Args",
    settings="alchemesh_components.input_ports.data_product_input.models:Settings",
    outputs="alchemesh_platform.connections:PortConnections",
)
