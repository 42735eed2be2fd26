"""Service accounts and their keys are stored. Keys give no access, since emulators require none.

Source: https://cloud.google.com/iam/docs/service-account-types#user-managed
"""

from __future__ import annotations

import base64
import json
import re
import secrets

from alchemesh_platform.clouds.gcp.emulation.services.iam import ACCOUNT, account_email, grant
from alchemesh_platform.clouds.gcp.emulation.types.limits import Name, at_most
from alchemesh_platform.clouds.gcp.emulation.types.resource_type import Reference, ResourceType, Values, now
from alchemesh_platform.clouds.gcp.emulation.world import World

SERVICE = "iam.googleapis.com"

# https://cloud.google.com/iam/docs/service-accounts-create
ACCOUNT_ID_MAX = 30
ACCOUNT_ID = re.compile(rf"[a-z][a-z0-9-]{{4,{ACCOUNT_ID_MAX - 2}}}[a-z0-9]")
DISPLAY_NAME_MAX = 100
DESCRIPTION_MAX = 256
# https://cloud.google.com/iam/docs/service-account-creds#key-types: Google-managed ones end, a user's do not
NEVER = "9999-12-31T23:59:59Z"
UNIQUE_ID_DIGITS = 21

ON_ACCOUNT = Reference(ACCOUNT, "serviceAccountId")


def _email(values: Values, world: World) -> str:
    return account_email(str(values["accountId"]), str(values["project"]))


def _unique_id(values: Values, world: World) -> str:
    return str(10 ** (UNIQUE_ID_DIGITS - 1) + secrets.randbelow(10 ** (UNIQUE_ID_DIGITS - 2)))


def _private_key(values: Values, world: World) -> str:
    """A key file in the service's form, in base64, without the private key.

    The private key is left out, not empty, since clients would try to sign with an empty one and fail.
    """
    email = str(values["serviceAccountId"]).rpartition("/")[2]
    document = {"type": "service_account", "client_email": email}
    return base64.b64encode(json.dumps(document).encode()).decode()


class Account(ResourceType):
    """A service account, whose id holds its email."""

    def identify(self, values: Values) -> str:
        return f"projects/{values['project']}/serviceAccounts/{account_email(values['accountId'], values['project'])}"


TYPES = (
    Account(
        type=ACCOUNT,
        id="projects/{project}/serviceAccounts/{accountId}",
        service=SERVICE,
        name=Name(
            ACCOUNT_ID,
            f"6 to {ACCOUNT_ID_MAX} lowercase letters, digits and dashes, a letter first",
            ACCOUNT_ID_MAX,
            property="accountId",
            lower=True,
        ),
        replace_on=frozenset({"accountId", "project"}),
        limits=(at_most("displayName", DISPLAY_NAME_MAX), at_most("description", DESCRIPTION_MAX)),
        outputs={
            "email": _email,
            "member": lambda values, world: f"serviceAccount:{_email(values, world)}",
            "name": lambda values, world: f"projects/{values['project']}/serviceAccounts/{_email(values, world)}",
            "uniqueId": _unique_id,
        },
    ),
    grant("gcp:serviceaccount/iAMMember:IAMMember", "{serviceAccountId}", SERVICE, ON_ACCOUNT),
    ResourceType(
        type="gcp:serviceaccount/key:Key",
        id="{serviceAccountId}/keys/{number}",
        service=SERVICE,
        numbered=True,
        only_replaced=True,
        references=(ON_ACCOUNT,),
        outputs={
            "name": "{serviceAccountId}/keys/{number}",
            "privateKey": _private_key,
            "publicKey": lambda values, world: "",
            "validAfter": now,
            "validBefore": lambda values, world: NEVER,
        },
        secret_outputs=frozenset({"privateKey"}),
    ),
)
