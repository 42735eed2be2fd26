"""The users of the members of one granted request, which `alchemesh access credential` creates."""

from __future__ import annotations

from collections import defaultdict

from pydantic import Field

from alchemesh_platform.provider.handler import Context, Handler
from alchemesh_platform.provider.inputs import Properties
from alchemesh_platform.sdk.system.drift import Drift
from alchemesh_platform.systems.kafka.client.access import KafkaAccess
from alchemesh_platform.systems.kafka.client.cluster import Cluster
from alchemesh_platform.systems.kafka.client.rights import Right, grant_rights, revoke_rights, rights_of
from alchemesh_platform.systems.kafka.client.users import is_member_user, member_users, remove_user
from alchemesh_platform.systems.kafka.handlers.topic import TopicName


class MemberUsersInputs(Properties):
    """The request, and the topics of its port."""

    kafka: KafkaAccess = Field(description="The cluster, and how it is reached; passwords as {secret: NAME}.")
    request: str = Field(min_length=1, description="The access request.")
    ending: str = Field(pattern=r"^[0-9a-f]{8}$", description="Part of the names that only users of the request have.")
    topics: tuple[TopicName, ...] = Field(description="Topics that members with a credential may read.")


class MemberUsersOutputs(Properties):
    """The ending of the users' names."""

    ending: str = Field(description="Part of the names that only users of the request have.")


class MemberUsersHandler(Handler[MemberUsersInputs, MemberUsersOutputs]):
    """Members come and go without a deployment. This resource follows the topics, and removes the users at the end."""

    pulumi_type = "alchemesh:kafka:MemberUsers"
    summary = "Users of the members of a granted request: they may read the port's topics, and end with the grant."
    inputs = MemberUsersInputs
    outputs = MemberUsersOutputs
    replace_on = frozenset({"ending"})

    def identify(self, inputs: MemberUsersInputs) -> str:
        return inputs.request

    def drift(self, inputs: MemberUsersInputs, outputs: MemberUsersOutputs, context: Context) -> Drift | None:
        cluster = Cluster(inputs.kafka)
        missing, surplus = _differences(cluster, inputs)
        if missing:
            return Drift(f"missing right: {missing[0]}; `up` grants it again", "ending")
        return Drift(f"surplus right: {surplus[0]}; `up` revokes it", "ending") if surplus else None

    def create(self, inputs: MemberUsersInputs, context: Context) -> MemberUsersOutputs:
        cluster = Cluster(inputs.kafka)
        missing, surplus = _differences(cluster, inputs)
        grant_rights(cluster, missing)
        revoke_rights(cluster, surplus)
        return MemberUsersOutputs(ending=inputs.ending)

    def read(
        self, inputs: MemberUsersInputs, outputs: MemberUsersOutputs, context: Context
    ) -> tuple[MemberUsersInputs, MemberUsersOutputs] | None:
        return inputs, outputs

    def update(
        self,
        inputs: MemberUsersInputs,
        old_inputs: MemberUsersInputs,
        outputs: MemberUsersOutputs,
        context: Context,
    ) -> MemberUsersOutputs:
        return self.create(inputs, context)

    def delete(self, inputs: MemberUsersInputs, outputs: MemberUsersOutputs, context: Context) -> None:
        cluster = Cluster(inputs.kafka)
        # A user can be missing while its rights are there, and the other way round.
        rights = [right for right in rights_of(cluster) if is_member_user(right.user, inputs.ending)]
        revoke_rights(cluster, rights)
        for user in member_users(cluster, inputs.ending):
            remove_user(cluster, user)


def _differences(cluster: Cluster, inputs: MemberUsersInputs) -> tuple[list[Right], list[Right]]:
    """Missing and surplus rights to topics, of members with a credential: those who have the right to a group."""
    missing: list[Right] = []
    surplus: list[Right] = []
    rights: defaultdict[str, list[Right]] = defaultdict(list)
    for right in rights_of(cluster):
        if is_member_user(right.user, inputs.ending):
            rights[right.user].append(right)
    for user, found in sorted(rights.items()):
        if any(right.kind == "group" for right in found):
            topics = {right.name for right in found if right.kind == "topic"}
            missing += [Right(user, "topic", topic) for topic in inputs.topics if topic not in topics]
            surplus += [Right(user, "topic", topic) for topic in sorted(topics - set(inputs.topics))]
    return missing, surplus
