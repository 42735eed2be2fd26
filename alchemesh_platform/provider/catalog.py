"""The kinds of resources that the provider has."""

from __future__ import annotations

from alchemesh_platform.provider.handler import Handlers
from alchemesh_platform.provider.handlers.bigquery_schema import TableSchemaHandler
from alchemesh_platform.provider.handlers.contract import ContractHandler
from alchemesh_platform.provider.handlers.data_api import DataApiHandler
from alchemesh_platform.provider.handlers.data_api_grant import DataApiGrantHandler
from alchemesh_platform.provider.handlers.dataflow import DataflowHandler
from alchemesh_platform.provider.handlers.delta_table import DeltaTableHandler
from alchemesh_platform.provider.handlers.directory import DirectoryHandler
from alchemesh_platform.provider.handlers.grant import GrantHandler
from alchemesh_platform.provider.handlers.ingestion import IngestionHandler
from alchemesh_platform.provider.handlers.job import JobHandler
from alchemesh_platform.provider.handlers.kafka_rights import RightsHandler
from alchemesh_platform.provider.handlers.kafka_topic import TopicHandler
from alchemesh_platform.provider.handlers.records import (
    AssetHandler,
    FoundationHandler,
    LineageHandler,
    ManifestHandler,
    PortHandler,
    ProductHandler,
)
from alchemesh_platform.provider.handlers.source_topic import SourceTopicHandler
from alchemesh_platform.provider.handlers.subscription import SubscriptionHandler
from alchemesh_platform.provider.handlers.topic_ingestion import TopicIngestionHandler

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
