"""The schema of the files of a mesh repo.

There are two kinds of file, which may be anywhere below the mesh repo's folder:

- ``kind: Domain``, one file for each domain (``domains/aviation.yaml``), with its teams and source systems. Everything
  that the domain owns is in one place, and does not repeat the name of the domain.
- ``kind: Users``, with a list of users. One file is enough; several files form one list.

The folder may also contain policies, ``kind: Policy``. Platform files and products' folders are skipped.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from alchemesh_platform.documents.models import Email, Name, Strict
from alchemesh_platform.registry.records import DomainType, Persona, TeamKind


class Team(Strict):
    """A technical team of the domain."""

    name: Name = Field(
        description="Name of the team, unique in its domain. That of a platform team or governance group is unique in "
        "the mesh, since components and policies name them without a domain."
    )
    kind: TeamKind = Field(
        default="data_product_team",
        description="Data product teams own products, platform teams components, governance groups policies.",
    )
    members: tuple[Email, ...] = Field(default=(), description="Users of the mesh, by email.")


class SourceSystem(Strict):
    """An operational system of a source-aligned domain: referred to by its products, never managed here."""

    name: Name = Field(description="Name of the system, unique in its domain.")
    description: str = Field(default="", description="Its purpose.")
    technology: str = Field(default="", description="Its technology.")
    contact: str = Field(default="", description="Contact for questions: a person, a team, a page.")


class Domain(Strict):
    """A data domain, with the teams and source systems that it owns."""

    kind: Literal["Domain"] = Field(description="Always Domain.")
    name: Name = Field(description="Name of the domain, unique in the mesh.")
    type: DomainType = Field(
        description="Alignment of the domain's data: to its source systems, to several domains, or to a use."
    )
    owner: Email = Field(description="User with the persona data_product_owner.")
    description: str = Field(default="", description="Subject of the domain.")
    teams: tuple[Team, ...] = Field(default=(), description="Its technical teams.")
    source_systems: tuple[SourceSystem, ...] = Field(
        default=(), description="Its operational systems; source-aligned domains only."
    )


class User(Strict):
    """A user of the mesh."""

    email: Email = Field(description="Identifies the user.")
    name: str = Field(min_length=1, description="Display name.")
    personas: tuple[Persona, ...] = Field(min_length=1, description="Roles of the user in the mesh.")


class Users(Strict):
    """Users of the mesh."""

    kind: Literal["Users"] = Field(description="Always Users.")
    users: tuple[User, ...] = Field(description="The users.")
