"""Files of a bucket of S3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import pulumi

from alchemesh_components.aws.policies import admit_role, aws_provider
from alchemesh_components.aws.rights import files
from alchemesh_components.aws.settings import Settings
from alchemesh_components.input_ports.s3_files.models import Args
from alchemesh_components.input_ports.s3_files.spec import SPEC
from alchemesh_platform.clouds.aws.identities import AWS_ROLE
from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.component import Component


class S3Files(Component[Args, Settings]):
    """A folder of a bucket that somebody else owns. Nothing is copied, and nothing in the bucket changes."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """No resource: the code gets the right to read the folder."""
        return {
            "kind": "files",
            "url": self.args.path.rstrip("/"),
            "format": self.args.format,
            "reading": self.args.reading(),
        }

    def admit(self, identity: CodeIdentity) -> Sequence[pulumi.Resource]:
        """Grant the code read access to the folder. The owner of a bucket in another account grants it too."""
        source = urlsplit(self.args.path)
        aws = self.settings.aws
        if identity.kind != AWS_ROLE:
            return ()
        folder = source.path.lstrip("/")
        rights = list(files(source.netloc, self.args.key, folder=folder, partition=aws.partition))
        options = pulumi.ResourceOptions(parent=self, provider=aws_provider(self, aws))
        return admit_role(self, aws, identity, rights, options)
