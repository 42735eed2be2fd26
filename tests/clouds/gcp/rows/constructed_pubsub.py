"""A constructed server of Pub/Sub's publishing interface: no registry has its emulator."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.pubsub_v1.types import PublishRequest, PublishResponse


@dataclass
class Topics:
    """Published messages, in the order in which they came.

    Args:
        address: ``host:port``.
        refusal: The reason for which Pub/Sub refuses messages.
    """

    address: str = ""
    refusal: str | None = None
    messages: list[Any] = field(default_factory=list)

    def publish(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Take the messages of one request, all or none, as Pub/Sub does."""
        if self.refusal is not None:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, self.refusal)
        self.messages += [(request.topic, message) for message in request.messages]
        return PublishResponse(message_ids=[str(number) for number, _each in enumerate(request.messages)])


@contextmanager
def constructed_pubsub() -> Iterator[Topics]:
    """The running server."""
    topics = Topics()
    server = grpc.server(ThreadPoolExecutor(2))
    handler = grpc.unary_unary_rpc_method_handler(topics.publish, PublishRequest.deserialize, PublishResponse.serialize)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("google.pubsub.v1.Publisher", {"Publish": handler}),)
    )
    topics.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield topics
    finally:
        server.stop(None)
