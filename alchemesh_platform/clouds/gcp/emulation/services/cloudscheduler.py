"""Cloud Scheduler: jobs are stored, and nothing runs on schedule.

Source: https://cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from alchemesh_platform.clouds.gcp.emulation.types.limits import Name, matching
from alchemesh_platform.clouds.gcp.emulation.types.resource_type import ResourceType, Values
from alchemesh_platform.provider.inputs import Refusal

NAME_MAX = 500
# https://cloud.google.com/scheduler/docs/configuring/cron-job-schedules: five fields of unix-cron
CRON_FIELD = r"[\d*][\w*/,-]*|(?i:sun|mon|tue|wed|thu|fri|sat|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[\w,-]*"
CRON = re.compile(rf"({CRON_FIELD})(\s+({CRON_FIELD})){{4}}|every .+")
TARGETS = ("httpTarget", "pubsubTarget", "appEngineHttpTarget")


def _target(inputs: Values) -> Iterator[Refusal]:
    given = [name for name in TARGETS if inputs.get(name) is not None]
    if len(given) != 1:
        yield Refusal("httpTarget", f"found {' and '.join(given) or 'none'}, expected one of {', '.join(TARGETS)}")


TYPES = (
    ResourceType(
        type="gcp:cloudscheduler/job:Job",
        id="projects/{project}/locations/{region}/jobs/{name}",
        service="cloudscheduler.googleapis.com",
        name=Name(re.compile(rf"[\w-]{{1,{NAME_MAX}}}"), f"1 to {NAME_MAX} letters, digits, - and _", NAME_MAX),
        replace_on=frozenset({"name", "region", "project"}),
        limits=(matching("schedule", CRON, "five fields of cron, such as 0 * * * *"), _target),
        region="region",
        defaults={"timeZone": "Etc/UTC", "attemptDeadline": "180s"},
        outputs={"state": lambda values, world: "PAUSED" if values.get("paused") else "ENABLED"},
    ),
)
