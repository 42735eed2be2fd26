"""Errors of AWS: hints, and the sentence in the answer of Cloud Control.

Source: https://docs.aws.amazon.com/cloudcontrolapi/latest/APIReference/API_ProgressEvent.html
"""

from __future__ import annotations

import re

from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.clouds.aws.services import SIGN_IN
from alchemesh_platform.sdk.system.errors import ErrorHint, SystemErrors

_REQUEST = re.compile(r"\s*\((?:Service: \w+, )?Status Code: \d+, Request ID: [^)]*\)|\s*\(RequestToken: [^)]*\)")


def without_request(text: str) -> str:
    """An error of AWS without the ids of its request, which nobody but its support can use."""
    return _REQUEST.sub("", text)


_HINTS = (
    ErrorHint(
        r"BucketAlreadyExists|BucketAlreadyOwnedByYou|bucket \S+ already exists|"
        r"(?<!Error 409: )The requested bucket name is not available",  # after it, the words are those of Google Cloud
        "bucket names are unique in all of AWS: choose another by settings.aws.name_prefix",
    ),
    ErrorHint(
        r"BucketNotEmpty|bucket you tried to delete is not empty",
        "empty the bucket with all versions first, or keep it with keep_on_destroy",
    ),
    ErrorHint(
        r"secret with (?:this )?name (?:is )?already scheduled for deletion",
        "restore it with `aws secretsmanager restore-secret --secret-id NAME`, or wait for its deletion",
    ),
    ErrorHint(
        r"The role with name (?P<role>\S+) cannot be found|role (?P<other>\S+) (?:does not exist|not found)",
        remedy(
            "the consumer has no role yet: deploy its product with {}, or correct settings.aws.principals of the "
            "platform file",
            command("up"),
        ),
    ),
    ErrorHint(
        r"The (?:user|group) with name (?P<name>\S+) cannot be found",
        "settings.aws.principals of the platform file says how people and teams are named in IAM",
    ),
    ErrorHint(
        r"UnmodifiableEntity",
        "IAM Identity Center owns this role: name a role of your own in settings.aws.principals",
    ),
    ErrorHint(
        r"Maximum policy size of \d+ bytes exceeded|LimitExceeded.*(?:policy|policies)",
        "the inline policies of one role have 10,240 characters at most: end grants that its owner no longer needs",
    ),
    ErrorHint(
        r"is not an allowed account|AWS account ID not allowed|allowed_?[aA]ccount",
        "the credentials are of another account than settings.aws.account: set AWS_PROFILE, or settings.aws.profile",
    ),
    ErrorHint(
        r"no valid credential sources|failed to refresh cached credentials|ExpiredToken|InvalidClientTokenId"
        r"|UnrecognizedClient|The security token included in the request is (?:expired|invalid)",
        SIGN_IN,
    ),
    ErrorHint(
        r"AccessDenied|is not authorized to perform: (?P<action>\S+)|UnauthorizedOperation",
        "the credentials that deploy lack this right in the account: an administrator grants it",
        general=True,
    ),
    ErrorHint(
        r"Throttling|Rate exceeded|TooManyRequests|SlowDown",
        "wait a minute and run again, or have the quota raised",
        general=True,
    ),
    ErrorHint(
        r"AlreadyExists|already exists|ResourceExists",
        "remove it, or give this one another name; an earlier deployment may have left it",
        general=True,
    ),
    ErrorHint(
        r"ServiceUnavailable|InternalFailure|InternalServerError", "AWS could not answer: run again", general=True
    ),
)

ERRORS = SystemErrors(hints=_HINTS, clean=without_request)
