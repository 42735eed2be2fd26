"""The schema of the platform file."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, StringConstraints

from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.base.units import Duration
from alchemesh_platform.documents.document import Node, node_of
from alchemesh_platform.documents.models import Name, Strict
from alchemesh_platform.documents.patterns import PRODUCTS_PATTERN, RESOURCE_PATTERN
from alchemesh_platform.platform_file.builtin import BUILTIN_LOCAL
from alchemesh_platform.platform_file.notify import Notify
from alchemesh_platform.platform_file.observations import Observations

TOKEN = SecretRef(secret="ALCHEMESH_TOKEN")  # noqa: S106 - the name of a variable


class Transform(Strict):
    """Set properties of one kind of resource inside one component, without forking the component."""

    component: Name = Field(description="Component whose children are adjusted.")
    resource: Annotated[str, StringConstraints(pattern=RESOURCE_PATTERN)] = Field(
        description="Pulumi type of the children: package:module:Type."
    )
    set: dict[str, Any] = Field(description="Property: value, named as the Pulumi type's schema names them.")


class Pipeline(Strict):
    """A pipeline: a token with these claims may carry out these operations. The token names no user of the mesh."""

    name: Name = Field(description="Name of the pipeline, for messages and policies.")
    issuer: str | None = Field(
        default=None, description="Address of the issuer of its tokens; that of `identity` by default."
    )
    audience: str | None = Field(
        default=None, description="Required audience of its tokens; that of `identity` by default."
    )
    claims: dict[str, str] = Field(
        min_length=1,
        description="Claim: value. Every claim must match. A value that ends with `:*` or `/*` accepts every text that "
        "begins with the rest; a list in the token matches if one of its items does.",
    )
    products: tuple[Annotated[str, StringConstraints(pattern=PRODUCTS_PATTERN)], ...] = Field(
        default=(), description="Products that it operates: domain/product, or domain/* for all of a domain."
    )
    domains: tuple[Name, ...] = Field(default=(), description="Domains whose stack it deploys.")
    platform: bool = Field(default=False, description="Whether it deploys the platform's stack.")
    mesh: bool = Field(default=False, description="Whether it applies the mesh repo.")
    operations: tuple[
        Literal["up", "refresh", "destroy", "run", "report", "unlock", "access apply", "mesh apply"], ...
    ] = Field(default=(), description="Operations that it may carry out; all by default.")


class IdentityProvider(Strict):
    """The provider that authenticates the acting user."""

    provider: Literal["local", "oidc"] = Field(
        default="local",
        description="local: ALCHEMESH_USER, git's user.email or user@host, without verification; oidc: a token "
        "of an OpenID Connect issuer, verified.",
    )
    issuer: str | None = Field(
        default=None, description="oidc: address of the issuer, as its tokens write it; https, or this machine."
    )
    audience: str | None = Field(default=None, description="oidc: required audience of tokens.")
    claim: str = Field(
        default="email",
        min_length=1,
        description="oidc: claim that is the user's email in the mesh; email is verified.",
    )
    token: SecretRef = Field(default=TOKEN, description="oidc: location of the token.")
    client: str | None = Field(
        default=None, description="oidc: public client of `alchemesh login`, which asks for a token by device code."
    )
    pipelines: tuple[Pipeline, ...] = Field(
        default=(), description="oidc: pipelines, and the products that each of them operates."
    )


class CredentialTerms(Strict):
    """How long the credentials of consumers are valid."""

    valid_for: Duration | None = Field(
        default=timedelta(days=90),
        description="Time after which the credential of a member expires; null: it ends with its access only.",
    )
    overlap: Duration = Field(
        default=timedelta(days=1),
        description="Time for which the previous credential stays valid after `access credential --rotate`.",
    )


class Environment(Strict):
    """One environment: what implements what, with which settings."""

    extends: str | None = Field(
        default=None, description="Environment that this one starts from: builtin/local, or another of this file."
    )
    state: str | None = Field(default=None, description="Pulumi state backend: file://…, s3://…, gs://…, https://…")
    registry: str | None = Field(default=None, description="Registry: sqlite:///path or postgresql://host/database.")
    secrets: str | None = Field(default=None, description="Pulumi secrets provider; passphrase by default.")
    identity: IdentityProvider = Field(
        default_factory=IdentityProvider, description="Provider that authenticates the acting user."
    )
    credentials: CredentialTerms = Field(
        default_factory=CredentialTerms, description="Validity of the credentials of consumers."
    )
    settings: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Settings group: setting: value; groups are named by technology."
    )
    components: dict[Name, Name] = Field(
        default_factory=dict,
        description="Component type: component that implements it here. `platform-foundation` and `domain-foundation` "
        "are the shared stacks that products depend on: deploy them with `alchemesh platform up` and "
        "`alchemesh domain up NAME`.",
    )
    transforms: tuple[Transform, ...] = Field(default=(), description="Adjustments of components' children.")
    notify: Notify | None = Field(
        default=None, description="Webhooks and mail server that notify people, besides `alchemesh inbox`."
    )
    observations: Observations = Field(default_factory=Observations, description="How the environment is observed.")


class PlatformFile(Strict):
    """The platform file, owned by a platform team."""

    kind: Literal["Platform"] = Field(description="Always Platform.")
    name: Name = Field(description="Name of the platform.")
    environments: dict[Name, Environment] = Field(min_length=1, description="Environment name: environment.")


class Platform(Strict):
    """One environment with everything that it extends merged in. Composition uses it."""

    # The place of each value. The built-in platform has no file.
    _tree: Node | None = PrivateAttr(default=None)

    environment: Name
    state: str
    registry: str
    secrets: str = "passphrase"
    home: str
    identity: IdentityProvider = Field(default_factory=IdentityProvider)
    credentials: CredentialTerms = Field(default_factory=CredentialTerms)
    settings: dict[str, dict[str, Any]] = Field(default_factory=dict)
    components: dict[Name, Name] = Field(default_factory=dict)
    transforms: tuple[Transform, ...] = ()
    notify: Notify | None = None
    observations: Observations = Field(default_factory=Observations)
    emulated: bool = False  # not a setting of the file: the command sets it

    @property
    def tree(self) -> Node:
        """The environment as a document with places. State, settings and components are keys at its top."""
        return self._tree or node_of(self.model_dump(mode="json"), BUILTIN_LOCAL)

    def located_by(self, tree: Node) -> Platform:
        """The same platform, with the places of its values."""
        located = self.model_copy()
        located._tree = tree
        return located
