"""Which tests run in one worker, and which come first, under ``--dist loadgroup``.

The tests of a file stay together, and so do all tests of one server: it starts once. Long tests come first: the
workers end together.

Marks cannot express it: pytest-xdist does not see them with pytest 9.2
(https://github.com/pytest-dev/pytest-xdist/issues/1386).
"""

from __future__ import annotations

from collections import Counter

import pytest
from xdist.scheduler import LoadScopeScheduling

# Files by the beginning of their path: the group that they run in. The first that fits counts.
GROUPS = {
    "tests/end_to_end/faults/test_faults_of_nifi.py": "nifi",
    "tests/end_to_end/faults/test_faults_of_services.py": "kafka",
    "tests/end_to_end/faults/test_kills_on_google_cloud.py": "kafka",
    "tests/end_to_end/test_whole_path.py": "nifi",
    "tests/parts/test_kafka.py": "kafka",
    "tests/parts/test_nifi.py": "nifi",
    "tests/systems/airflow/test_composer.py": "emulators",
    "tests/systems/airflow/": "airflow",
    "tests/systems/dagster/": "dagster",
    "tests/systems/kafka/": "kafka",
    "tests/systems/kestra/served/": "kestra",
    "tests/systems/nifi/": "nifi",
    "tests/systems/spark/": "spark",
    "tests/clouds/gcp/emulation/": "emulators",
    "tests/clouds/gcp/test_a_whole_product.py": "emulators",
    "tests/clouds/gcp/test_another_region.py": "emulators",
    "tests/clouds/gcp/rows/test_examples_on_google_cloud.py": "emulators",
    "tests/clouds/gcp/rows/test_rows_of_bigquery.py": "emulators",
    "tests/clouds/gcp/rows/test_rows_of_buckets.py": "emulators",
    "tests/clouds/gcp/quality/test_quality_of_bigquery.py": "emulators",
    "tests/clouds/gcp/test_data_api.py": "emulators",
    "tests/clouds/gcp/test_probes.py": "emulators",
    "tests/clouds/gcp/usage/": "emulators",
    "tests/clouds/gcp/test_tables_and_grants.py": "emulators",
    "tests/clouds/aws/": "amazon",
    "tests/examples/": "examples",
    "tests/systems/local/http/": "http",
    "tests/identity/": "identity",
    "tests/server/": "identity",
    "tests/packaging/": "packaging",
    "tests/systems/local/serving/": "serving",
}
# Fixture of a session: the groups whose tests may need it.
FIXTURES = {
    "airflow_shop": {"airflow"},
    "nifi_2_server": {"nifi"},
    "nifi_server": {"nifi"},
    "secured_nifi_2_server": {"nifi"},
    "secured_nifi_server": {"nifi"},
    "kafka_server": {"kafka", "nifi"},
    "kestra_server": {"kestra"},
    "emulators": {"emulators"},
    "amazon": {"amazon"},
    "operations": {"examples"},
    "issuer": {"identity"},
    "data_api": {"http", "emulators"},
    "small_api": {"http"},
}
# Seconds that a test takes, roughly, by its marker. Marks of `tests/lanes.py` have a reason.
ENGINE, SLOW, SHORT, QUICK = 10.0, 5.0, 0.5, 0.05


class GroupScheduling(LoadScopeScheduling):
    """Hands out one group after the other."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def group_of(nodeid: str) -> str:
    """The group of a test: that of its file, or the file itself."""
    file = nodeid.partition("::")[0]
    return next((group for path, group in GROUPS.items() if file.startswith(path)), file)


def check_groups(items: list[pytest.Item]) -> None:
    """Check that tests are in the group of the server that they need.

    Raises:
        pytest.UsageError: when one is not.
    """
    for item in items:
        group = group_of(item.nodeid)
        for fixture in getattr(item, "fixturenames", ()):
            if group not in FIXTURES.get(fixture, {group}):
                raise pytest.UsageError(f"{item.nodeid} needs {fixture}: name the group of its file in tests/order.py")


def longest_first(items: list[pytest.Item]) -> None:
    """Sort tests by their groups."""
    seconds: Counter[str] = Counter()
    for item in items:
        seconds[group_of(item.nodeid)] += _seconds(item)
    items.sort(key=lambda item: (-seconds[group_of(item.nodeid)], group_of(item.nodeid)))


def _seconds(item: pytest.Item) -> float:
    if item.get_closest_marker("engine"):
        return ENGINE
    slow = item.get_closest_marker("slow")
    return QUICK if slow is None else SHORT if slow.args else SLOW
