"""Which tests run in one worker, and which come first, under ``--dist loadgroup``.

The tests of a file stay together, and so do all tests of one server: it starts once. What takes long comes first: the
workers end together.
"""

from __future__ import annotations

from collections import Counter

import pytest

# Fixture of a session: the group of the files that need it. A file that needs two is in the first one's.
GROUPS = {
    "nifi_server": "nifi",
    "secured_nifi_server": "nifi",
    "kafka_server": "kafka",
    "emulators": "emulators",
    "operations": "examples",
    "issuer": "issuer",
}
# Seconds that a test takes, roughly, by its marker.
ENGINE, SLOW, QUICK = 10.0, 5.0, 0.05


def group(items: list[pytest.Item]) -> None:
    """Mark each test with its group, and sort the groups: the longest first."""
    fixtures: dict[str, set[str]] = {}
    for item in items:
        fixtures.setdefault(_file(item), set()).update(getattr(item, "fixturenames", ()))
    groups = {
        file: next((name for fixture, name in GROUPS.items() if fixture in needed), file)
        for file, needed in fixtures.items()
    }
    seconds: Counter[str] = Counter()
    for item in items:
        seconds[groups[_file(item)]] += _seconds(item)
        item.add_marker(pytest.mark.xdist_group(groups[_file(item)]))
    items.sort(key=lambda item: (-seconds[groups[_file(item)]], groups[_file(item)]))


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def _seconds(item: pytest.Item) -> float:
    if item.get_closest_marker("engine"):
        return ENGINE
    return SLOW if item.get_closest_marker("slow") else QUICK
