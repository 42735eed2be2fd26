"""A Python job as a function of Lambda."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
from pulumi_aws_native import iam, lambda_, logs, s3, scheduler, sqs

from alchemesh_components.aws.access import Principal, Statement, allow, document, product_role
from alchemesh_components.aws.foundations import boundary_of
from alchemesh_components.aws.names import (
    BUCKET,
    FUNCTION,
    POLICY,
    QUEUE,
    ROLE,
    SCHEDULE,
    SECRET,
    product_resource_name,
    resource_name,
)
from alchemesh_components.aws.policies import (
    OTHERS_POLICIES,
    aws_provider,
    inline_policy,
    only_encrypted_connections,
    private,
)
from alchemesh_components.aws.rights import with_key
from alchemesh_components.aws.settings import Settings
from alchemesh_components.aws.tags import tags_of
from alchemesh_components.code.lambda_function.models import Args, need_of
from alchemesh_components.code.lambda_function.schedule import scheduled
from alchemesh_components.code.lambda_function.spec import SPEC
from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.clouds.aws.functions.package import HANDLER, Sources
from alchemesh_platform.clouds.aws.functions.runtime import CONNECTIONS_FILE, SETTINGS
from alchemesh_platform.clouds.aws.handlers.package import PACKAGES
from alchemesh_platform.clouds.aws.handlers.reports import RUNS
from alchemesh_platform.clouds.aws.identities import AWS_ROLE
from alchemesh_platform.clouds.aws.resources import Package, Reports
from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.systems.local.jobs.entrypoint import interpreter_arguments

ALIAS = "live"  # what schedules and people invoke: the newest version whose deployment succeeded
QUEUE_SECONDS = 14 * 24 * 3600  # the longest that SQS keeps a message
REPORT_DAYS = 30  # the history has the runs by then
EVENT_SECONDS = 6 * 3600
CATCH_UP_SECONDS = {"none": 60, "latest": 24 * 3600, "all": 24 * 3600}
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
ANY_ENDING = "-??????"  # of a secret's ARN


class LambdaFunction(Component[Args, Settings]):
    """The product's code as a function with access to its ports and needs, and a schedule that starts it."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """Create the role and its rights, the package, the function with a version and an alias, and its schedule."""
        self.provider = aws_provider(self, self.settings.aws)
        self.options = pulumi.ResourceOptions(parent=self, provider=self.provider)
        self.role = self.code_role()
        self.bucket = self.own_bucket()
        name = resource_name(BUCKET, self.settings.aws, self.wiring)
        only_encrypted_connections(f"{self.name}-tls", self.bucket, name, self.settings.aws, self.options)
        self.log = self.log_group()
        self.failed = self.dead_letters()
        rights = self.own_rights()
        self.package = self.own_package()
        self.reports = Reports(
            f"{self.name}-reports", sign_in=self.sign_in, bucket=self.bucket_id, opts=self.child_options
        )
        self.function = self.code_function(rights)
        self.alias = self.live_version()
        self.invocations()
        if self.args.schedule is not None:
            self.clock(self.args.schedule)
        return {
            "kind": "job",
            "entrypoint": self.args.entrypoint,
            "schedule": self.args.schedule,
            **({} if self.args.schedule is None else {"time_zone": self.args.time_zone}),
            "descriptor": pulumi.Output.concat("s3://", self.bucket_id, "/", RUNS.rstrip("/")),
            "engine": "lambda",
            "engine_address": f"https://lambda.{self.settings.aws.region}.amazonaws.com",
            "engine_job": self.alias.name.apply(lambda alias: f"{self.function_name}:{alias}"),
        }

    @property
    def identity(self) -> CodeIdentity:
        """The function's role. It can read the secrets of its environment before the function exists."""
        name = self.role_name
        known: pulumi.Output[str] = self.role.role_name.apply(lambda _: name)
        return CodeIdentity(AWS_ROLE, known, frozenset(need_of(value) for value in self.secrets().values()))

    @property
    def role_name(self) -> str:
        """Name of the role, which grants of other products go to."""
        place = self.wiring
        return product_role(self.settings.aws, place.environment, f"{place.domain}/{place.product}")

    @property
    def function_name(self) -> str:
        """Name of the function, which follows from the product."""
        return resource_name(FUNCTION, self.settings.aws, self.wiring)

    @property
    def bucket_id(self) -> pulumi.Output[str]:
        """Name of the bucket of packages and reports, as an output of it."""
        name = resource_name(BUCKET, self.settings.aws, self.wiring)
        known: pulumi.Output[str] = self.bucket.bucket_name.apply(lambda _: name)
        return known

    def secrets(self) -> dict[str, SecretRef]:
        """The secrets of the environment, by variable."""
        return {name: value for name, value in self.args.env.items() if isinstance(value, SecretRef)}

    def secret_name(self, secret: SecretRef) -> str:
        """Name of the secret of a need of this product."""
        place = self.wiring
        address = (place.domain, place.product, need_of(secret))
        return product_resource_name(SECRET, self.settings.aws, place.environment, *address)

    def code_role(self) -> iam.Role:
        """The role that the code runs as. Only Lambda, for functions of this account, can assume it."""
        aws = self.settings.aws
        trust = _trust("lambda.amazonaws.com", aws.account, "StringEqualsIfExists")
        options = pulumi.ResourceOptions.merge(self.options, pulumi.ResourceOptions(ignore_changes=OTHERS_POLICIES))
        return iam.Role(
            f"{self.name}-role",
            role_name=self.role_name,
            description=f"Runs the code of {self.wiring.domain}/{self.wiring.product}"[:256],
            assume_role_policy_document=document([trust]),
            permissions_boundary=boundary_of(aws, self.wiring),
            tags=tags_of(aws, self.wiring),
            opts=options,
        )

    def own_bucket(self) -> s3.Bucket:
        """The bucket of the packages, and of the reports of runs, which are deleted after 30 days."""
        aws = self.settings.aws
        return s3.Bucket(
            f"{self.name}-bucket",
            bucket_name=resource_name(BUCKET, aws, self.wiring),
            **private(aws.encryption_keys.s3),
            lifecycle_configuration={
                "rules": [{"id": "reports", "status": "Enabled", "prefix": RUNS, "expiration_in_days": REPORT_DAYS}]
            },
            tags=tags_of(aws, self.wiring),
            opts=self.options,
        )

    def log_group(self) -> logs.LogGroup:
        """The log group, which Lambda would create without an end of its logs."""
        return logs.LogGroup(
            f"{self.name}-logs",
            log_group_name=f"/aws/lambda/{self.function_name}",
            retention_in_days=self.args.log_retention_days,
            tags=tags_of(self.settings.aws, self.wiring),
            opts=self.options,
        )

    def dead_letters(self) -> sqs.Queue:
        """The queue of invocations that failed or could not be delivered."""
        return sqs.Queue(
            f"{self.name}-failed",
            queue_name=resource_name(QUEUE, self.settings.aws, self.wiring),
            message_retention_period=QUEUE_SECONDS,
            sqs_managed_sse_enabled=True,
            tags=tags_of(self.settings.aws, self.wiring),
            opts=self.options,
        )

    def own_rights(self) -> pulumi.Resource:
        """The rights of the function beyond its ports and needs: its logs, its reports, its queue, its secrets."""
        aws = self.settings.aws
        reports = pulumi.Output.concat(f"arn:{aws.partition}:s3:::", self.bucket_id, f"/{RUNS}*")
        statements: list[Statement] = [
            allow(
                ["logs:CreateLogStream", "logs:PutLogEvents"],
                aws.arn("logs", f"log-group:/aws/lambda/{self.function_name}:*"),
            ),
            allow(["s3:GetObject", "s3:PutObject"], reports),
            # Without it, S3 answers that access is denied where there is no report yet.
            allow(["s3:ListBucket"], pulumi.Output.concat(f"arn:{aws.partition}:s3:::", self.bucket_id)),
            allow(["sqs:SendMessage"], self.failed.arn),
            *with_key(aws.encryption_keys.s3, "s3", write=True),
        ]
        if self.args.image is not None:  # its connections are in a package of their own
            packages = pulumi.Output.concat(f"arn:{aws.partition}:s3:::", self.bucket_id, f"/{PACKAGES}*")
            statements.append(allow(["s3:GetObject"], packages))
        names = sorted({self.secret_name(secret) for secret in self.secrets().values()})
        if names:
            arns = [aws.arn("secretsmanager", f"secret:{name}{ANY_ENDING}") for name in names]
            statements.append(allow(["secretsmanager:GetSecretValue"], arns))
            statements += with_key(aws.encryption_keys.secrets_manager, "secretsmanager", write=False)
        policy = resource_name(POLICY, aws, self.wiring, "function")
        options = pulumi.ResourceOptions.merge(self.options, pulumi.ResourceOptions(depends_on=[self.role]))
        return inline_policy(f"{self.name}-rights", Principal("role", self.role_name), policy, statements, options)

    def own_package(self) -> Package:
        """The package: code, locked dependencies, and the connections of all ports and needs.

        For a function whose code is an image, it has the connections only: the variables of a function have 4 KB.
        """
        args, place = self.args, self.wiring
        root = Path(place.product_root)
        include = args.include if args.image is None else ()
        requirements = args.requirements if args.image is None else None
        lock = None if requirements is None else root / requirements
        sources = Sources(root, include, lock, self.python, args.architecture)
        return Package(
            f"{self.name}-package",
            sign_in=self.sign_in,
            bucket=self.bucket_id,
            working_directory=str(root),
            include=list(include),
            requirements=requirements,
            python=self.python,
            architecture=args.architecture,
            texts={CONNECTIONS_FILE: self.connections_document()},
            source=sources.digest(),
            opts=self.child_options,
        )

    @property
    def sign_in(self) -> dict[str, str]:
        """How the handlers of the bucket's objects reach the account."""
        aws = self.settings.aws
        parts = {"region": aws.region, "profile": aws.profile, "role": aws.role, "emulated": self.emulated}
        return {name: value for name, value in parts.items() if value is not None}

    @property
    def python(self) -> str:
        """Version of Python: on this machine, functions run in the platform's own."""
        if self.emulated is None:
            return self.args.python
        from alchemesh_platform.clouds.aws.emulation.servers.services import python_version

        return python_version()

    @property
    def emulated(self) -> str | None:
        """Folder of the environment on this machine if it is emulated."""
        place = self.wiring.place
        if place is None or not place.emulated:
            return None
        return str(Path(place.home, "emulated", self.wiring.environment))

    def code_function(self, rights: pulumi.Resource) -> lambda_.Function:
        """The function, which runs one invocation at a time, like a run on a laptop."""
        args, aws = self.args, self.settings.aws
        given: dict[str, Any] = {
            "package_type": "Image",
            "code": {"image_uri": args.image},
            "image_config": {"command": ["alchemesh_platform.clouds.aws.functions.runtime.handler"]},
        }
        if args.image is None:
            given = {
                "package_type": "Zip",
                "code": {"s3_bucket": self.bucket_id, "s3_key": self.package.key},
                "runtime": f"python{self.python}",
                "handler": HANDLER,
            }
        options = pulumi.ResourceOptions(depends_on=[rights, self.log, self.reports])
        return lambda_.Function(
            f"{self.name}-function",
            function_name=self.function_name,
            description=f"Runs the code of {self.wiring.domain}/{self.wiring.product}",
            role=self.role.arn,
            architectures=[args.architecture],
            memory_size=args.memory,
            timeout=int(args.timeout.total_seconds()),
            ephemeral_storage={"size": args.disk},
            environment={"variables": self.variables()},
            reserved_concurrent_executions=1,
            dead_letter_config={"target_arn": self.failed.arn},
            tags=tags_of(aws, self.wiring),
            opts=pulumi.ResourceOptions.merge(self.options, options),
            **given,
        )

    def variables(self) -> dict[str, pulumi.Input[str]]:
        """The team's variables, and the settings of the program that runs the code. Secrets are names only."""
        plain = {name: value for name, value in self.args.env.items() if isinstance(value, str)}
        settings: dict[str, Any] = {
            "command": interpreter_arguments(self.args.entrypoint),
            "secrets": {name: self.secret_name(secret) for name, secret in sorted(self.secrets().items())},
            "retries": self.args.retries,
            "reports": pulumi.Output.concat("s3://", self.bucket_id, "/", RUNS.rstrip("/")),
        }
        if self.args.schedule is not None:
            settings |= {"schedule": self.args.schedule, "time_zone": self.args.time_zone}
        if self.args.image is not None:
            settings["connections"] = pulumi.Output.concat("s3://", self.bucket_id, "/", self.package.key)
        return {**plain, SETTINGS: pulumi.Output.json_dumps(settings, sort_keys=True)}

    def connections_document(self) -> pulumi.Output[str]:
        """The connections of all ports and needs, as the JSON document that the code reads."""
        place = self.wiring
        whole = {"product": f"{place.domain}/{place.product}", "environment": place.environment, **place.connections}
        return pulumi.Output.json_dumps(whole, sort_keys=True)

    def live_version(self) -> lambda_.Alias:
        """The alias of the newest version. If an update fails, it still leads to the version before.

        A version is published for each package and configuration.
        """
        code = self.package.code_sha256 if self.args.image is None else pulumi.Output.from_input(self.args.image)
        description = pulumi.Output.all(code, self.variables()).apply(lambda parts: _short(parts, self.args))
        version = lambda_.Version(
            f"{self.name}-version",
            function_name=self.function.function_name.apply(lambda _: self.function_name),
            description=description,
            opts=self.options,
        )
        return lambda_.Alias(
            f"{self.name}-alias",
            name=ALIAS,
            function_name=self.function_name,
            function_version=version.version,
            opts=self.options,
        )

    def invocations(self) -> lambda_.EventInvokeConfig:
        """The retries of a failed run, and the time that an invocation waits for the one before it."""
        return lambda_.EventInvokeConfig(
            f"{self.name}-invocations",
            function_name=self.function_name,
            qualifier=self.alias.name,
            maximum_retry_attempts=self.args.retries,
            maximum_event_age_in_seconds=EVENT_SECONDS,
            opts=self.options,
        )

    def clock(self, schedule: str) -> scheduler.Schedule:
        """The schedule. Its role can invoke this function's alias, and nothing else."""
        aws = self.settings.aws
        name = resource_name(ROLE, aws, self.wiring, "schedule")
        function = aws.arn("lambda", f"function:{self.function_name}:{ALIAS}")
        role = iam.Role(
            f"{self.name}-schedule-role",
            role_name=name,
            description=f"Starts the code of {self.wiring.domain}/{self.wiring.product}"[:256],
            assume_role_policy_document=document([_trust("scheduler.amazonaws.com", aws.account)]),
            permissions_boundary=boundary_of(aws, self.wiring),
            tags=tags_of(aws, self.wiring),
            opts=pulumi.ResourceOptions.merge(self.options, pulumi.ResourceOptions(ignore_changes=OTHERS_POLICIES)),
        )
        rights = [allow(["lambda:InvokeFunction"], function), allow(["sqs:SendMessage"], self.failed.arn)]
        policy = resource_name(POLICY, aws, self.wiring, "schedule")
        options = pulumi.ResourceOptions.merge(self.options, pulumi.ResourceOptions(depends_on=[role]))
        invoke = inline_policy(f"{self.name}-schedule", Principal("role", name), policy, rights, options)
        return scheduler.Schedule(
            f"{self.name}-clock",
            name=resource_name(SCHEDULE, aws, self.wiring),
            description=f"Starts the code of {self.wiring.domain}/{self.wiring.product}",
            schedule_expression=scheduled(schedule),
            schedule_expression_timezone=self.args.time_zone,
            flexible_time_window={"mode": "OFF"},
            target={
                "arn": self.alias.name.apply(lambda _: function),
                "role_arn": role.arn,
                "input": json.dumps({"trigger": "schedule", "scheduled": SCHEDULED_TIME}),
                "dead_letter_config": {"arn": self.failed.arn},
                "retry_policy": {
                    "maximum_event_age_in_seconds": CATCH_UP_SECONDS[self.args.catch_up],
                    "maximum_retry_attempts": 0 if self.args.catch_up == "none" else 185,
                },
            },
            opts=pulumi.ResourceOptions.merge(self.options, pulumi.ResourceOptions(depends_on=[invoke])),
        )


def _trust(service: str, account: str, operator: str = "StringEquals") -> Statement:
    """The trust in a service, for resources of the account only.

    Args:
        service: The service.
        account: The account.
        operator: The comparison: Lambda's documentation names no account in its requests, the scheduler's does.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    return {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        "Condition": {operator: {"aws:SourceAccount": account}},
    }


def _short(parts: list[Any], args: Args) -> str:
    """A description that changes with the package and with the configuration of the function."""
    code, variables = parts
    configured = [
        code,
        variables,
        args.memory,
        int(args.timeout.total_seconds()),
        args.disk,
        args.python,
        args.architecture,
    ]
    return f"alchemesh {hashlib.sha256(json.dumps(configured, sort_keys=True).encode()).hexdigest()[:32]}"
