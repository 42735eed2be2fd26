"""Packages of other people for tests: a component that does all it promises, and changes that break a promise."""

from __future__ import annotations

from pathlib import Path

from tests.catalog.test_discover import install

SPEC = '''
"""Catalogue entry."""
from alchemesh_platform.sdk.spec import ComponentSpec, Permission, Role
SPEC = ComponentSpec(
    name="{name}", component_type="file-storage", roles=(Role.{role},), summary="Files in a folder.", maturity="beta",
    owner="acme", stateful=True, component="{module}.component:Files", args="{module}.models:Args",
    settings="{module}.models:Settings", outputs="{module}.models:Outputs", guards=True, protocols={protocols},
    permissions=(Permission("acme.files.write", "The folder."),),
)
'''
MODELS = """
from collections.abc import Callable
from pydantic import Field
from alchemesh_platform.sdk.models import Strict

class Args(Strict):
    folder: str = Field(description="Name of the folder.")

class Settings(Strict):
    pass

class Outputs(Strict):
    kind: str = Field(default="files", description="Kind of the connection.")
    url: str = Field(description="Address of the folder.")
"""
COMPONENT = '''
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.systems.local.resources import Directory
from {module}.spec import SPEC

class Files(Component):
    """Files in a folder."""
    spec = SPEC

    def build(self):
        folder = Directory(f"{{self.name}}-folder", path=f"/data/{{self.args.folder}}", owner=self.wiring.address,
                           opts=self.child_options)
        return {{"url": folder.url}}

    def grant(self, consumer):
        """Add the consumer to the folder's readers."""
        return ()
'''
CASE = """
cases:
  - name: in a folder
    resource_name: raw-storage
    args: {folder: raw}
    wiring: {domain: aviation, product: flights, port: raw, models: {flight: {properties: {id: {type: integer}}}}}
    computed: {"alchemesh:local:Directory": {url: "file:///data/raw"}}
    resources:
      - {type: "alchemesh:local:Directory", name: raw-storage-folder, inputs: {}}
    outputs: {kind: files, url: "file:///data/raw"}
"""


def install_files(
    site: Path, name: str, *, role: str = "STORAGE", protocols: str = "()", change: tuple[str, str] = ("", "")
) -> None:
    """Install a package ``acme-NAME`` with the component ``NAME``.

    Args:
        change: A text in one of its files, and the text that replaces it.
    """
    module = f"acme_{name.replace('-', '_')}"
    folder = site / module
    folder.mkdir()
    texts = {
        "__init__.py": "",
        "spec.py": SPEC.format(name=name, module=module, role=role, protocols=protocols),
        "models.py": MODELS,
        "component.py": COMPONENT.format(module=module),
        "case.yml": CASE,
    }
    assert not change[0] or any(change[0] in text for text in texts.values()), change
    for file, text in texts.items():
        (folder / file).write_text(text.replace(*change) if change[0] else text)
    install(site, f"acme-{name}", {}, {name: f"{module}.spec:SPEC"})
