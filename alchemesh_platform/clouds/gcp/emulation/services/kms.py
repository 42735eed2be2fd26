"""Cloud KMS: keys are stored, and nothing is encrypted.

Source: https://cloud.google.com/kms/docs/reference/rest
"""

from __future__ import annotations

import re

from alchemesh_platform.clouds.gcp.emulation.services.iam import grant
from alchemesh_platform.clouds.gcp.emulation.types.limits import Name, labels, one_of
from alchemesh_platform.clouds.gcp.emulation.types.resource_type import Reference, ResourceType, with_labels

SERVICE = "cloudkms.googleapis.com"
KEY_RING = "gcp:kms/keyRing:KeyRing"
KEY = "gcp:kms/cryptoKey:CryptoKey"
NAME_MAX = 63
NAME = Name(re.compile(rf"[\w-]{{1,{NAME_MAX}}}"), f"1 to {NAME_MAX} letters, digits, - and _", NAME_MAX)

TYPES = (
    ResourceType(
        type=KEY_RING,
        id="projects/{project}/locations/{location}/keyRings/{name}",
        service=SERVICE,
        name=NAME,
        only_replaced=True,
        region="location",
    ),
    ResourceType(
        type=KEY,
        id="{keyRing}/cryptoKeys/{name}",
        service=SERVICE,
        name=NAME,
        replace_on=frozenset({"name", "keyRing", "purpose", "importOnly", "destroyScheduledDuration"}),
        limits=(labels, one_of("purpose", "ENCRYPT_DECRYPT", "ASYMMETRIC_SIGN", "ASYMMETRIC_DECRYPT", "MAC")),
        references=(Reference(KEY_RING, "keyRing"),),
        defaults={"purpose": "ENCRYPT_DECRYPT"},
        outputs=with_labels(),
    ),
    # Most keys belong to other teams, so a grant on an unknown key is accepted.
    grant("gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember", "{cryptoKeyId}", SERVICE),
)
