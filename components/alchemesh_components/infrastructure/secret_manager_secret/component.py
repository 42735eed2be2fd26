"""A secret in Secret Manager."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_gcp import secretmanager

from alchemesh_components.gcp.labels import labels_of
from alchemesh_components.gcp.names import SECRET, resource_name
from alchemesh_components.gcp.settings import Settings
from alchemesh_components.infrastructure.secret_manager_secret.models import Args
from alchemesh_components.infrastructure.secret_manager_secret.spec import SPEC
from alchemesh_platform.clouds.gcp.identities import GOOGLE_SERVICE_ACCOUNT
from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.component import Component


class SecretManagerSecret(Component[Args, Settings]):
    """A secret without a value. The platform never handles the value, so no state, plan or registry holds it."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """One secret, without a value."""
        self.secret = self.empty_secret()
        # Build the name, so that a preview knows it. The service returns the project's number instead of its id.
        name = pulumi.Output.concat("projects/", self.settings.gcp.project, "/secrets/", self.secret.secret_id)
        return {"kind": "secret", "name": name}

    def empty_secret(self) -> secretmanager.Secret:
        """The secret, kept in the platform's region."""
        gcp = self.settings.gcp
        key = gcp.encryption_keys.secret_manager
        return secretmanager.Secret(
            f"{self.name}-secret",
            project=gcp.project,
            secret_id=resource_name(SECRET, gcp, self.wiring),
            labels=labels_of(gcp, self.wiring),
            replication=secretmanager.SecretReplicationArgs(
                user_managed=secretmanager.SecretReplicationUserManagedArgs(
                    replicas=[
                        secretmanager.SecretReplicationUserManagedReplicaArgs(
                            location=gcp.region,
                            customer_managed_encryption=(
                                secretmanager.SecretReplicationUserManagedReplicaCustomerManagedEncryptionArgs(
                                    kms_key_name=key
                                )
                                if key
                                else None
                            ),
                        )
                    ]
                )
            ),
            # Its id is unique in the project, so delete it before creating it in another location. A kept secret stays,
            # with its location and its key.
            opts=pulumi.ResourceOptions(
                parent=self,
                retain_on_delete=self.args.keep_on_destroy,
                delete_before_replace=True,
                ignore_changes=["replication"] if self.args.keep_on_destroy else None,
            ),
        )

    def admit(self, identity: CodeIdentity) -> Sequence[pulumi.Resource]:
        """Grant the code read access to the value."""
        if identity.kind != GOOGLE_SERVICE_ACCOUNT:
            return ()
        return [
            secretmanager.SecretIamMember(
                f"{self.name}-code",
                project=self.secret.project,
                secret_id=self.secret.secret_id,
                role="roles/secretmanager.secretAccessor",
                member=pulumi.Output.concat("serviceAccount:", identity.name),
                opts=self.child_options,
            )
        ]
