"""Hints on errors."""

from alchemesh_platform.sdk.system.errors import ErrorHint, SystemErrors

ERRORS = SystemErrors(
    hints=(
        ErrorHint(
            r"keyvalue: (?P<path>.+): file is not a database",
            "move {path} away, or choose another folder by settings.keyvalue.folder; then run again",
        ),
    )
)
