"""The package of a function, as an object in a bucket: `aws-native` has no type for objects."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from alchemesh_platform.clouds.aws.functions.package import (
    PackageFailed,
    Sources,
    build,
    code_sha256,
    runtime_digest,
)
from alchemesh_platform.clouds.aws.handlers.sign_in import SignIn, client_in, remove_objects
from alchemesh_platform.clouds.aws.services import Missing, answered
from alchemesh_platform.provider.handler import Context, Handler, NotDone
from alchemesh_platform.provider.inputs import Properties, Refusal
from alchemesh_platform.sdk.system.drift import Drift

PACKAGES = "packages/"  # a folder of the bucket
_SHA = "code-sha256"  # metadata of the object


class PackageInputs(Properties):
    """The declaration of a package."""

    sign_in: SignIn = Field(description="How the account is reached.")
    bucket: str = Field(min_length=1, description="Name of the bucket.")
    working_directory: str = Field(description="Folder of the product.")
    include: tuple[str, ...] = Field(description="Patterns of the files of the code; none for connections only.")
    requirements: str | None = Field(default=None, description="Lock file of the dependencies, in that folder.")
    python: str = Field(description="Version of Python: 3.12.")
    architecture: Literal["x86_64", "arm64"] = Field(description="Processors of the function.")
    texts: dict[str, str] = Field(default_factory=dict, description="Texts of further files, by name.")
    source: str = Field(description="Digest of the files of the folder: a change builds the package again.")


class PackageOutputs(Properties):
    """The object with the package."""

    key: str = Field(description="Key of the object.")
    code_sha256: str = Field(description="SHA-256 of the zip file, in base 64.")
    unpacked_bytes: int = Field(description="Size of all files.")
    runtime: str = Field(description="Digest of the program that runs the code in the function.")


class PackageHandler(Handler[PackageInputs, PackageOutputs]):
    """A package. The same sources have the same object, so that a repeated deployment uploads nothing."""

    pulumi_type = "alchemesh:aws:Package"
    summary = "The package of a function: code, locked dependencies and connections, as an object in a bucket."
    inputs = PackageInputs
    outputs = PackageOutputs
    replace_on = frozenset({"bucket"})
    refuses_secrets = True

    def identify(self, inputs: PackageInputs) -> str:
        return f"{inputs.bucket}/{PACKAGES}"

    def check(self, inputs: PackageInputs, old_inputs: PackageInputs | None, context: Context) -> Iterator[Refusal]:
        if inputs.requirements is not None and not Path(inputs.working_directory, inputs.requirements).is_file():
            yield Refusal("requirements", f"there is no lock file {inputs.requirements} in {inputs.working_directory}")
        if inputs.include and not _sources(inputs).files():
            yield Refusal("include", f"no file of {inputs.working_directory} matches {', '.join(inputs.include)}")

    def drift(self, inputs: PackageInputs, outputs: PackageOutputs, context: Context) -> Drift | None:
        if self._found(inputs, outputs.key) is None:
            return Drift(f"the package {outputs.key} of {inputs.bucket} is gone: it is built again", "key")
        if outputs.runtime != runtime_digest():
            sentence = "the package has the program of another version of alchemesh: it is built again"
            return Drift(sentence, "runtime", expected=True)
        return None

    def create(self, inputs: PackageInputs, context: Context) -> PackageOutputs:
        return self._put(inputs, None)

    def read(
        self, inputs: PackageInputs, outputs: PackageOutputs, context: Context
    ) -> tuple[PackageInputs, PackageOutputs] | None:
        return None if self._found(inputs, outputs.key) is None else (inputs, outputs)

    def update(
        self, inputs: PackageInputs, old_inputs: PackageInputs, outputs: PackageOutputs, context: Context
    ) -> PackageOutputs:
        return self._put(inputs, outputs.key)

    def delete(self, inputs: PackageInputs, outputs: PackageOutputs, context: Context) -> None:
        """Remove the packages."""
        remove_objects(client_in(inputs.sign_in), inputs.bucket, PACKAGES)

    def _put(self, inputs: PackageInputs, before: str | None) -> PackageOutputs:
        with (
            tempfile.TemporaryDirectory(prefix="alchemesh-zip-") as folder,
            answered(f"the package in {inputs.bucket}"),
        ):
            file = Path(folder, "package.zip")
            try:
                built = build(_sources(inputs), file)
            except PackageFailed as error:
                raise NotDone(error.message, hint=error.hint) from error
            key = f"{PACKAGES}{built.digest}.zip"
            found = self._found(inputs, key)
            digest = found or code_sha256(file)
            if found is None:
                extra = {"Metadata": {_SHA: digest}, "ContentType": "application/zip"}
                client_in(inputs.sign_in).upload_file(str(file), inputs.bucket, key, ExtraArgs=extra)
            # The package before this one stays: the function has it until it is updated, and an update may fail.
            remove_objects(client_in(inputs.sign_in), inputs.bucket, PACKAGES, keep=(key, before))
        return PackageOutputs(key=key, code_sha256=digest, unpacked_bytes=built.unpacked, runtime=runtime_digest())

    def _found(self, inputs: PackageInputs, key: str) -> str | None:
        """The digest of an uploaded package; None if there is none."""
        try:
            with answered(f"the package in {inputs.bucket}"):
                found: Mapping[str, Any] = client_in(inputs.sign_in).head_object(Bucket=inputs.bucket, Key=key)
        except Missing:
            return None
        return str(found["Metadata"].get(_SHA, "")) or None


def _sources(inputs: PackageInputs) -> Sources:
    root = Path(inputs.working_directory)
    lock = None if inputs.requirements is None else root / inputs.requirements
    return Sources(root, inputs.include, lock, inputs.python, inputs.architecture, inputs.texts)
