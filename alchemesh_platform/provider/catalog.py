"""The kinds of resources that the provider has."""

from __future__ import annotations

from alchemesh_platform.provider.handler import Handlers
from alchemesh_platform.systems.bigquery.handler import TableSchemaHandler
from alchemesh_platform.systems.kafka.handlers.rights import RightsHandler
from alchemesh_platform.systems.kafka.handlers.source_topic import SourceTopicHandler
from alchemesh_platform.systems.kafka.handlers.topic import TopicHandler
from alchemesh_platform.systems.kafka.handlers.topic_ingestion import TopicIngestionHandler
from alchemesh_platform.systems.local.handlers.data_api import DataApiHandler
from alchemesh_platform.systems.local.handlers.data_api_grant import DataApiGrantHandler
from alchemesh_platform.systems.local.handlers.delta_table import DeltaTableHandler
from alchemesh_platform.systems.local.handlers.directory import DirectoryHandler
from alchemesh_platform.systems.local.handlers.ingestion import IngestionHandler
from alchemesh_platform.systems.local.handlers.job import JobHandler
from alchemesh_platform.systems.mesh.handlers.contract import ContractHandler
from alchemesh_platform.systems.mesh.handlers.grant import GrantHandler
from alchemesh_platform.systems.mesh.handlers.records import (
    AssetHandler,
    FoundationHandler,
    LineageHandler,
    ManifestHandler,
    PortHandler,
    ProductHandler,
)
from alchemesh_platform.systems.mesh.handlers.subscription import SubscriptionHandler
from alchemesh_platform.systems.nifi.handler import DataflowHandler

HANDLERS = Handlers(
    {
        handler.pulumi_type: handler
        for handler in (
            FoundationHandler(),
            ProductHandler(),
            PortHandler(),
            AssetHandler(),
            ContractHandler(),
            LineageHandler(),
            ManifestHandler(),
            GrantHandler(),
            SubscriptionHandler(),
            DirectoryHandler(),
            DeltaTableHandler(),
            IngestionHandler(),
            DataApiHandler(),
            DataApiGrantHandler(),
            JobHandler(),
            DataflowHandler(),
            TableSchemaHandler(),
            TopicHandler(),
            SourceTopicHandler(),
            RightsHandler(),
            TopicIngestionHandler(),
        )
    }
)
