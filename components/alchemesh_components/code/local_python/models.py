"""Arguments of local-python."""

from __future__ import annotations

from alchemesh_components.code.arguments import CodeArgs


class Args(CodeArgs):
    """Arguments of a Python job on this machine."""
