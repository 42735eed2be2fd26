"""Writes plain data as YAML that says the same to readers of YAML 1.1 and of YAML 1.2."""

from __future__ import annotations

from functools import cache
from typing import Any

LINE_MAX = 120
_OTHER_BREAKS = frozenset("\r\x85\u2028\u2029")  # line breaks of YAML 1.1 that are none in 1.2


def yaml_text(document: Any) -> str:
    """Plain data (mappings, lists, texts, numbers, booleans, None) as YAML, keys in the order given."""
    import yaml

    text: str = yaml.dump(document, Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=LINE_MAX)
    return text


@cache
def _dumper() -> Any:
    """A dumper that puts every text in quotes that either version would read as something else.

    ``no`` is a text in YAML 1.2 and false in 1.1, which most tools of the field still read; ``1e5`` is a number in 1.2
    and a text in 1.1.
    """
    import yaml
    from yamlcore import CoreLoader

    class Dumper(yaml.SafeDumper):
        """PyYAML's, with the rules of both versions for what is not a text."""

        def ignore_aliases(self, data: Any) -> bool:
            """Write a value that occurs twice out twice: a manifest takes no aliases."""
            return True

        def text(self, data: str) -> Any:
            """Represent a text: by lines where it has several, escaped where the versions disagree what a line is."""
            style = '"' if _OTHER_BREAKS.intersection(data) else "|" if "\n" in data else None
            return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)

    Dumper.add_representer(str, Dumper.text)
    for first, rules in CoreLoader.yaml_implicit_resolvers.items():
        for tag, pattern in rules:
            Dumper.add_implicit_resolver(tag, pattern, [first] if first is not None else None)
    return Dumper
