"""Writes plain data as YAML with the same meaning in YAML 1.1 and in YAML 1.2."""

from __future__ import annotations

from functools import cache
from typing import Any

LINE_MAX = 120
_OTHER_BREAKS = frozenset("\r\x85\u2028\u2029")  # line breaks of YAML 1.1 that YAML 1.2 does not treat as line breaks


def yaml_text(document: Any) -> str:
    """Plain data (mappings, lists, texts, numbers, booleans, None) as YAML, with keys in the given order."""
    import yaml

    text: str = yaml.dump(document, Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=LINE_MAX)
    return text


@cache
def _dumper() -> Any:
    """A dumper that quotes every text that either version would read as another type.

    ``no`` is a text in YAML 1.2 and false in 1.1, which most tools still read. ``1e5`` is a number in 1.2 and a text in
    1.1.
    """
    import yaml
    from yamlcore import CoreLoader

    class Dumper(yaml.SafeDumper):
        """PyYAML's dumper, with the rules of both versions for values that are not texts."""

        def ignore_aliases(self, data: Any) -> bool:
            """Write a repeated value in full each time, since a manifest allows no aliases."""
            return True

        def text(self, data: str) -> Any:
            """Represent a text: a block for several lines, escaped if the versions differ on its line breaks."""
            style = '"' if _OTHER_BREAKS.intersection(data) else "|" if "\n" in data else None
            return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)

    Dumper.add_representer(str, Dumper.text)
    for first, rules in CoreLoader.yaml_implicit_resolvers.items():
        for tag, pattern in rules:
            Dumper.add_implicit_resolver(tag, pattern, [first] if first is not None else None)
    return Dumper
