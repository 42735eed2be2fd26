"""Cloud Monitoring: notification channels. They are stored; no notification is sent.

Source: https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.notificationChannels
"""

from __future__ import annotations

from alchemesh_platform.clouds.gcp.emulation.types.limits import at_most
from alchemesh_platform.clouds.gcp.emulation.types.resource_type import ResourceType

DISPLAY_NAME_MAX = 512

TYPES = (
    ResourceType(
        type="gcp:monitoring/notificationChannel:NotificationChannel",
        id="projects/{project}/notificationChannels/{number}",
        service="monitoring.googleapis.com",
        numbered=True,
        replace_on=frozenset({"project"}),
        limits=(at_most("displayName", DISPLAY_NAME_MAX),),
        outputs={"name": "projects/{project}/notificationChannels/{number}"},
    ),
)
