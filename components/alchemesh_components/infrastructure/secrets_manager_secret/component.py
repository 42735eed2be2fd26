"""A secret in Secrets Manager of AWS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_aws_native import secretsmanager

from alchemesh_components.aws.access import allow
from alchemesh_components.aws.names import SECRET, resource_name
from alchemesh_components.aws.policies import admit_role, aws_provider
from alchemesh_components.aws.rights import with_key
from alchemesh_components.aws.settings import Settings
from alchemesh_components.aws.tags import tags_of
from alchemesh_components.infrastructure.secrets_manager_secret.models import Args
from alchemesh_components.infrastructure.secrets_manager_secret.spec import SPEC
from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.component import Component

# Secrets Manager ends an ARN with a hyphen and six random characters:
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
ANY_ENDING = "-??????"


class SecretsManagerSecret(Component[Args, Settings]):
    """A secret without a value. The platform never handles the value, so no state, plan or registry holds it."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """One secret, without a value."""
        self.provider = aws_provider(self, self.settings.aws)
        self.options = pulumi.ResourceOptions(parent=self, provider=self.provider)
        self.secret = self.empty_secret()
        return {"kind": "secret", "name": self.secret.name.apply(lambda _: self.secret_name)}

    @property
    def secret_name(self) -> str:
        """The secret's name, which follows from the need."""
        return resource_name(SECRET, self.settings.aws, self.wiring)

    def empty_secret(self) -> secretsmanager.Secret:
        """The secret. A deleted one can be restored for 30 days, and its name stays taken."""
        aws = self.settings.aws
        return secretsmanager.Secret(
            f"{self.name}-secret",
            name=self.secret_name,
            description=f"Secret of {self.wiring.address}",
            kms_key_id=aws.encryption_keys.secrets_manager,
            tags=tags_of(aws, self.wiring),
            opts=pulumi.ResourceOptions.merge(
                self.options, pulumi.ResourceOptions(retain_on_delete=self.args.keep_on_destroy)
            ),
        )

    def admit(self, identity: CodeIdentity) -> Sequence[pulumi.Resource]:
        """Grant the code read access to the value."""
        aws = self.settings.aws
        arn = aws.arn("secretsmanager", f"secret:{self.secret_name}{ANY_ENDING}")
        rights = [
            allow(["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"], arn),
            *with_key(aws.encryption_keys.secrets_manager, "secretsmanager", write=False),
        ]
        return admit_role(self, aws, identity, rights, self.options)
