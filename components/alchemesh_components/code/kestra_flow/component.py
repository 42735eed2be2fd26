"""Code that Kestra runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi

from alchemesh_components.code.arguments import CodeArgs
from alchemesh_components.code.description import describe_job
from alchemesh_components.code.kestra_flow.look import VARIABLE
from alchemesh_components.code.kestra_flow.models import Args
from alchemesh_components.code.kestra_flow.place import labels_of, namespace_of, owner_of
from alchemesh_components.code.kestra_flow.spec import SPEC
from alchemesh_components.code.platform_secrets import REPORTS, platform_secrets
from alchemesh_components.kestra.settings import Settings
from alchemesh_platform.base.secrets import references_in
from alchemesh_platform.connections import Connections
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.systems.kestra.rendering import rendered
from alchemesh_platform.systems.kestra.resources import Flow
from alchemesh_platform.systems.kestra.source import delivered
from alchemesh_platform.systems.local.resources import Job


class KestraFlow(Component[Args, Settings]):
    """A flow in Kestra. A generated flow starts the launcher with the description of the job."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """The description of an entrypoint, and the flow."""
        job = self.job() if self.args.entrypoint is not None else None
        flow_id, flow = self.own_flow() if job is None else (self.args.flow_id, self.generated_flow(job))
        login = self.settings.kestra.server()
        zone = {} if self.args.schedule is None else {"time_zone": self.args.time_zone}
        return {
            "kind": "job",
            "entrypoint": self.args.entrypoint or self.args.flow,
            "schedule": self.args.schedule,
            **zone,
            "descriptor": job.descriptor if job is not None else None,
            "engine": "kestra",
            "engine_address": self.settings.kestra.address,
            "engine_job": flow.id.apply(lambda _: f"{namespace_of(self.settings, self.wiring)}/{flow_id}"),
            "engine_login": {name: value for name, value in login.items() if name != "address"},
        }

    def job(self) -> Job:
        """The job's description, which the launcher reads."""
        local, given = self.settings.local, self.args.model_dump(exclude={"flow", "flow_id"}, exclude_unset=True)
        args = CodeArgs.model_validate(given)
        return describe_job(
            f"{self.name}-job", args, self.wiring, run=local.run, python=local.python, opts=self.child_options
        )

    def generated_flow(self, job: Job) -> Flow:
        """The flow of an entrypoint."""
        args, wiring = self.args, self.wiring
        product = f"{wiring.domain}/{wiring.product}"

        def source(known: Any) -> str:
            return rendered(
                namespace=namespace_of(self.settings, wiring),
                flow=args.flow_id,
                description=f"Runs the code of {product}. Written by Alchemesh: change the product's manifest instead.",
                labels=labels_of(wiring),
                descriptor=known["descriptor"],
                secrets={*references_in(known["connections"]), *references_in(args.model_dump(mode="json")["env"])}
                | platform_secrets(wiring, sections=REPORTS),
                schedule=args.schedule,
                time_zone=args.time_zone,
                catch_up=args.catch_up,
                limit=args.timeout * (args.retries + 1) + args.retry_delay * args.retries,
                python=self.settings.kestra.python,
            )

        known = pulumi.Output.all(descriptor=job.descriptor, connections=dict(wiring.connections))
        return self.flow(args.flow_id, known.apply(source))

    def own_flow(self) -> tuple[str, Flow]:
        """The team's flow, with what the platform adds."""
        wiring, file = self.wiring, self.args.flow or ""
        text = Path(wiring.product_root, file).read_text(encoding="utf-8")
        place: dict[str, Any] = {"namespace": namespace_of(self.settings, wiring), "labels": labels_of(wiring)}

        def source(connections: Mapping[str, Any]) -> str:
            document = Connections.model_validate(
                {"environment": wiring.environment, "product": f"{wiring.domain}/{wiring.product}", **connections}
            )
            return delivered(text, **place, variables={VARIABLE: document.model_dump_json(exclude_none=True)}).source

        flow_id = delivered(text, **place).id
        made = pulumi.Output.from_input(dict(wiring.connections)).apply(source)
        return flow_id, self.flow(flow_id, made, file)

    def flow(self, flow_id: str, source: pulumi.Input[str], file: str | None = None) -> Flow:
        """The flow in Kestra."""
        return Flow(
            f"{self.name}-flow",
            server=self.settings.kestra.server(),
            namespace=namespace_of(self.settings, self.wiring),
            flow=flow_id,
            owner=owner_of(self.wiring),
            source=source,
            file=file,
            opts=self.child_options,
        )
