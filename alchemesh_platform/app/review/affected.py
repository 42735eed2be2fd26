"""The products that a branch affects, each with the reasons.

A product is affected if its manifest, an overlay, its code, its lock, its platform file or the contract of a port that
it reads changed. Its own changes come from git. The readers of a changed port come from the registry, and from the
manifests of the repository.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from alchemesh_platform.app.review.previews import Asked, Removed
from alchemesh_platform.app.review.repository import ChangedFile, Repository
from alchemesh_platform.app.where import Where
from alchemesh_platform.base.names import MANIFEST, product_address
from alchemesh_platform.base.printable import one_line
from alchemesh_platform.base.remedy import command, remedy

if TYPE_CHECKING:
    from alchemesh_platform.documents.document import Node

PLATFORM_FILE = "platform.yaml"
LOCK_FILE = "alchemesh.lock"
# Files of pipelines: they are no code of a product at the root of the repository.
GITHUB = ".github/"
PIPELINES = (GITHUB, ".gitlab/", ".gitlab-ci.yml", "templates/alchemesh.yml")
MOST_FILES = 3  # named in a reason; the others are counted


@dataclass(frozen=True, slots=True)
class Affected:
    """The result for one environment.

    Args:
        folders: The folder of each affected product, with the reasons.
        notes: Facts for the user about all of them.
        total: Number of products in the repository.
        removed: Addresses of the products whose manifests the branch removes.
    """

    folders: Mapping[Path, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    total: int = 0
    removed: tuple[str, ...] = ()


class AskedBy(NamedTuple):
    """The affected products in all environments: the previews to run, facts for the user, and the removed products."""

    asked: list[Asked]
    notes: list[str]
    removed: tuple[Removed, ...] = ()


def affected(where: Where, base: str, *, paths: Sequence[Path] = (), offline: bool = False) -> Affected:
    """The products of a repository that differ from a base in an environment.

    Args:
        where: A folder of the repository, and the environment.
        base: The branch, tag or commit to compare with: ``origin/main``.
        paths: Folders that limit the products; all of the repository by default.
        offline: Whether to leave the registry unread. Readers come from the manifests of the repository alone.

    Raises:
        NoRepository, BaseMissing: when git cannot compare.
    """
    repository = Repository.of(where.directory)
    start = repository.base(base)
    changes = list(_apart(repository, where, repository.changes(start.commit)))
    folders = [_folder(path) for path in repository.files_named(MANIFEST)]
    compared = _Comparison(repository, start.commit, where, changes, frozenset(folders), offline)
    reasons: dict[str, dict[str, None]] = {}
    for folder, reason in compared.own_reasons():
        reasons.setdefault(folder, {})[reason] = None
    ports = list(compared.changed_ports())
    readers, notes = compared.readers(ports)
    for folder, reason in readers:
        reasons.setdefault(folder, {})[reason] = None
    kept = [folder for folder in folders if folder in reasons and _is_below(repository, folder, paths)]
    found = {repository.root / folder: tuple(one_line(reason) for reason in reasons[folder]) for folder in kept}
    every = [start.note, *compared.notes(base), *notes]
    shown = tuple(one_line(note) if type(note) is str else note for note in every if note)
    return Affected(found, shown, len(folders), compared.removed)


def asked_by(
    base: str,
    directory: Path,
    environments: Sequence[str],
    *,
    paths: Sequence[Path] = (),
    platform_file: Path | None = None,
    emulated: bool = False,
    offline: bool = False,
) -> AskedBy:
    """The affected products in each environment, to preview; facts for the user, each once; and the removed products.

    Args:
        base: The branch, tag or commit to compare with: ``origin/main``.
        directory: A folder of the repository.
        environments: Names of the environments.
        paths: Folders that limit the products; all of the repository by default.
        platform_file: The platform file of all products; by default, the one of each.
        emulated: Whether the cloud is emulated on this machine.
        offline: Whether to leave the registry unread.

    Raises:
        NoRepository, BaseMissing: when git cannot compare.
    """
    asked: list[Asked] = []
    notes: dict[str, None] = {}
    removed: list[Removed] = []
    for environment in environments:
        where = Where(directory, environment, platform_file, emulated)
        found = affected(where, base, paths=paths, offline=offline)
        for folder, reasons in found.folders.items():
            asked.append(Asked(Where(folder, environment, platform_file, emulated), reasons))
        count = f"{len(found.folders)} of {found.total} products"
        notes[f"{count} differ from {one_line(base)}, or read a port that does, in {environment}"] = None
        notes |= dict.fromkeys(found.notes)
        removed += [Removed(address, environment) for address in found.removed]
    return AskedBy(asked, list(notes), tuple(removed))


def providers_first(asked: Sequence[Asked]) -> list[Asked]:
    """Products in an order in which each comes after the products that it reads. A cycle keeps the given order."""
    numbers: dict[str, list[int]] = {}  # two manifests may have one address: the deployment reports it
    reads: list[set[str]] = []
    for number, each in enumerate(asked):
        where = each.where
        manifest = _merged(
            _text(where.manifest), _text(where.manifest.with_name(f"alchemesh.{where.environment}.yaml"))
        )
        if address := _address(manifest):
            numbers.setdefault(address, []).append(number)
        reads.append({port.rpartition("/")[0] for port in _reads(manifest)})
    known = {
        number: [provider for address in sorted(found) for provider in numbers.get(address, ())]
        for number, found in enumerate(reads)
    }
    try:
        return [asked[number] for number in TopologicalSorter(known).static_order()]
    except CycleError:
        return list(asked)


def readers_in(repository: Repository, environment: str, ports: Sequence[str]) -> dict[str, list[str]]:
    """Addresses of the products of a repository that read ports, by the port; by the manifests alone."""
    folders = frozenset(_folder(path) for path in repository.files_named(MANIFEST))
    compared = _Comparison(repository, "", Where(repository.root, environment), (), folders, offline=True)
    found: dict[str, list[str]] = {}
    for folder, port in compared.declared_readers(ports):
        found.setdefault(port, []).append(compared.address(folder) or folder)
    return found


@dataclass(frozen=True)
class _Comparison:
    """A branch in comparison with a commit, for one environment."""

    repository: Repository
    commit: str
    where: Where
    changes: Sequence[ChangedFile]
    folders: frozenset[str]
    offline: bool = False

    def own_reasons(self) -> Iterator[tuple[str, str]]:
        """The folder of each product whose own files changed, with one reason."""
        files: dict[str, dict[str, None]] = {}
        for change in self.changes:
            path = PurePosixPath(change.path)
            if path.name == PLATFORM_FILE or self._is_platform_file(change.path):
                yield from self._of_platform_file(change)
            elif path.name == LOCK_FILE:
                reason = f"{change.path} {'was removed' if change.is_removed else 'changed'}"
                yield from ((folder, reason) for folder in self._below(str(path.parent)))
            else:
                yield from ((folder, f"submodule {change.path} changed") for folder in self._in_submodule(change.path))
                for place in filter(None, (change.path, change.formerly)):
                    yield from self._of_file(change, place, files)
        for folder, found in files.items():
            names = list(found)
            more = f" and {len(names) - MOST_FILES} more" if len(names) > MOST_FILES else ""
            yield folder, f"files changed: {', '.join(names[:MOST_FILES])}{more}"

    def _of_file(self, change: ChangedFile, place: str, files: dict[str, dict[str, None]]) -> Iterator[tuple[str, str]]:
        """The reason of a manifest or an overlay. Any other file is added to those of its product."""
        folder = self._product_of(place)
        if folder is None or (folder == "." and place.startswith(PIPELINES)):
            return
        name = str(PurePosixPath(place).relative_to(folder))
        if name == MANIFEST:
            if place == change.path and not change.is_removed:
                yield folder, _of_manifest(change)
        elif (overlay := _overlay_of(name)) is None:
            files.setdefault(folder, {})[name] = None
        elif overlay == self.where.environment:
            yield folder, f"{name} changed"

    def notes(self, base: str) -> Iterator[str]:
        """Facts about the branch: products that it removes, and files that decide about the pipeline itself."""
        for address in self.removed:
            destroy = command("destroy", address, environment=self.where.environment)
            yield remedy("{} has no manifest any more: what is deployed stays until {}", address, destroy)
        edited = sorted({change.path for change in self.changes if change.path.startswith(PIPELINES)})
        if edited:
            named = f"this branch edits the pipeline ({', '.join(edited[:MOST_FILES])})"
            if any(path.startswith(GITHUB) for path in edited):
                yield f"{named}: the comment and deployments on GitHub run as {base} has them until it is merged"
            if any(not path.startswith(GITHUB) for path in edited):
                yield f"{named}: GitLab runs its jobs as the branch has them, with GITLAB_TOKEN if the branch gets it"
        for change in self.changes:
            if PurePosixPath(change.path).name == PLATFORM_FILE or self._is_platform_file(change.path):
                yield f"this branch edits {change.path}: the previews use it as the branch has it"

    @cached_property
    def removed(self) -> tuple[str, ...]:
        """Addresses of the products that have no manifest any more."""
        now = dict(self._addresses_now())
        return tuple(dict.fromkeys(each for each in self._addresses_before() if each and each not in now))

    def address(self, folder: str) -> str:
        """Address of the product of a folder; empty if its manifest does not say."""
        return _address(self._manifest_now(folder))

    def changed_ports(self) -> Iterator[str]:
        """Addresses of the output ports whose contract, models or protocols changed, or that were removed."""
        for before, after in self._changed_manifests():
            one, other = _ports(before), _ports(after)
            yield from (address for address, port in one.items() if other.get(address) != port)

    def readers(self, ports: Sequence[str]) -> tuple[list[tuple[str, str]], list[str]]:
        """The folder of each product that reads one of the ports, with the reason; and facts for the user."""
        if not ports:
            return [], []
        found = [(folder, _of_port(port)) for folder, port in self.declared_readers(ports)]
        recorded, notes = self._recorded_readers(ports)
        if recorded:
            by_address = {address: folder for address, folder in self._addresses_now() if address}
            found += [(by_address[reader], _of_port(port)) for reader, port in recorded if reader in by_address]
            known = {*by_address, *self.removed}
            elsewhere = sorted({reader for reader, _port in recorded if reader not in known})
            if elsewhere:
                notes.append(f"not in this repository, and reads a changed port: {', '.join(elsewhere)}")
        return list(dict.fromkeys(found)), notes

    def declared_readers(self, ports: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Readers by the manifests of the repository. Only those that contain the name of a provider are parsed."""
        providers = {port.rpartition("/")[0].encode() for port in ports}
        for folder in sorted(self.folders):
            files = [self.repository.root / folder / name for name in (MANIFEST, self._overlay)]
            texts = [file.read_bytes() for file in files if file.is_file()]
            if not any(provider in text for provider in providers for text in texts):
                continue
            for reads in _reads(self._manifest_now(folder)):
                if reads in ports:
                    yield folder, reads

    def _recorded_readers(self, ports: Sequence[str]) -> tuple[list[tuple[str, str]], list[str]]:
        """Readers by the registry's lineage."""
        from alchemesh_platform.app.where import read_platform
        from alchemesh_platform.base.failure import Failure
        from alchemesh_platform.base.problems import ProblemsFound
        from alchemesh_platform.registry.records import LineageRecord
        from alchemesh_platform.registry.store import Registry
        from alchemesh_platform.registry.unavailable import RegistryMissing

        if self.offline:
            return [], ["readers in other repositories are unknown, since the registry is not read offline"]
        try:
            platform = read_platform(self.where)
        except (ProblemsFound, Failure):  # the preview of each product reports it, at its line
            folder, environment = one_line(str(self.where.directory)), self.where.environment
            unread = f"no platform file that can be read has {environment} in {folder} or above"
            return [], [f"readers in other repositories are unknown, since the registry was not read: {unread}"]
        try:
            with Registry.open(platform.registry, create=False) as registry:
                flows = registry.all(LineageRecord, platform.environment)
        except RegistryMissing:  # nothing was deployed yet
            return [], []
        except Failure as failure:
            reason = failure.message.partition("\n")[0]
            return [], [f"readers in other repositories are unknown, since the registry was not read: {reason}"]
        return [(flow.product, flow.source) for flow in flows if flow.source in ports], []

    def _of_platform_file(self, change: ChangedFile) -> Iterator[tuple[str, str]]:
        parent = str(PurePosixPath(change.path).parent)
        reason = f"{change.path} {'was removed' if change.is_removed else 'changed'}"
        if self._is_platform_file(change.path):
            concerned: Iterable[str] = self.folders
        elif self.where.platform_file is None:
            above = (*_parents(parent), None)  # of a removed file too: a file above applies from now on
            concerned = [folder for folder in self._below(parent) if self._nearest_platform(folder) in above]
        else:
            concerned = ()
        environment = self.where.environment
        former = change.formerly or change.path
        before = self.repository.texts_at(self.commit, [former]).get(former)
        now = None if change.is_removed else _text(self.repository.root / change.path)
        if before is None or now is None or _environment(before, environment) != _environment(now, environment):
            yield from ((folder, reason) for folder in concerned)

    def _is_platform_file(self, path: str) -> bool:
        given = self.where.platform_file
        return given is not None and self.repository.relative(given) == path

    def _nearest_platform(self, folder: str) -> str | None:
        """The folder of the platform file that applies to a product."""
        for parent in _parents(folder):
            if (self.repository.root / parent / PLATFORM_FILE).is_file():
                return parent
        return None

    def _product_of(self, path: str) -> str | None:
        """The folder of the product that a file belongs to: the nearest one above it."""
        for parent in _parents(str(PurePosixPath(path).parent)):
            if parent in self.folders:
                return parent
        return None

    def _in_submodule(self, path: str) -> list[str]:
        """The products inside a submodule, whose files git does not compare."""
        if not (self.repository.root / path).is_dir():
            return []
        return sorted(folder for folder in self.folders if folder == path or folder.startswith(f"{path}/"))

    def _below(self, parent: str) -> list[str]:
        return sorted(folder for folder in self.folders if parent in _parents(folder))

    @property
    def _overlay(self) -> str:
        return f"alchemesh.{self.where.environment}.yaml"

    def _manifest_now(self, folder: str) -> Any:
        root = self.repository.root / folder
        return _merged(_text(root / MANIFEST), _text(root / self._overlay))

    def _manifest_before(self, folder: str) -> Any:
        return _merged(*(self._texts_before.get(_in(folder, name)) for name in (MANIFEST, self._overlay)))

    @cached_property
    def _texts_before(self) -> dict[str, str]:
        """The changed manifests and their overlays, as the commit has them."""
        folders = {before for before, _now in self._touched if before is not None}
        paths = [_in(folder, name) for folder in sorted(folders) for name in (MANIFEST, self._overlay)]
        return self.repository.texts_at(self.commit, paths)

    @cached_property
    def _touched(self) -> list[tuple[str | None, str | None]]:
        """The folder of each changed manifest: before, and now."""
        seen: dict[tuple[str | None, str | None], None] = {}
        for change in self.changes:
            path = PurePosixPath(change.path)
            before, now = PurePosixPath(change.formerly or change.path), None if change.is_removed else path
            if MANIFEST in (path.name, before.name):
                pair = (
                    str(before.parent) if before.name == MANIFEST else None,
                    str(now.parent) if now is not None and now.name == MANIFEST else None,
                )
            else:  # an overlay, or the file of a contract
                folder = self._product_of(change.path)
                pair = (folder, folder)
            if pair != (None, None):
                seen[pair] = None
        return list(seen)

    def _changed_manifests(self) -> Iterator[tuple[Any, Any]]:
        changed = {change.path for change in self.changes}
        for before, now in self._touched:
            one = self._manifest_before(before) if before is not None else {}
            other = self._manifest_now(now) if now is not None else {}
            for port in other.get("output_ports") or () if isinstance(other, dict) and now is not None else ():
                file = port.get("contract") if isinstance(port, dict) else None
                if isinstance(file, str) and _in(str(now), file) in changed:
                    port["contract"] = f"{file}, changed"
            yield one, other

    def _addresses_before(self) -> Iterator[str]:
        for before, _now in self._touched:
            if before is not None:
                yield _address(self._manifest_before(before))

    def _addresses_now(self) -> Iterator[tuple[str, str]]:
        """The address of each product, and its folder. Only the first lines of most manifests are needed."""
        for folder in sorted(self.folders):
            yield address_in(_text(self.repository.root / folder / MANIFEST) or ""), folder


def _apart(repository: Repository, where: Where, changes: Sequence[ChangedFile]) -> Iterator[ChangedFile]:
    """The changes, with a moved platform file or lock as a removal and an addition: its folder decides about products.

    A platform file that is named by an option stays one change, since its folder decides about nothing.
    """
    given = None if where.platform_file is None else repository.relative(where.platform_file)
    for change in changes:
        names = {PurePosixPath(path).name for path in (change.path, change.formerly) if path is not None}
        if change.formerly is None or change.path == given or not names & {PLATFORM_FILE, LOCK_FILE}:
            yield change
        else:
            yield ChangedFile(change.formerly, is_removed=True)
            yield ChangedFile(change.path)


def _of_manifest(change: ChangedFile) -> str:
    if change.formerly is not None and change.formerly != change.path:
        return f"{MANIFEST} was renamed from {change.formerly}"
    return f"{MANIFEST} changed"


def _of_port(port: str) -> str:
    return f"the contract of {port}, which it reads, changed"


def _overlay_of(name: str) -> str | None:
    """The environment of an overlay in the product's folder."""
    if "/" in name or not (name.startswith("alchemesh.") and name.endswith(".yaml")) or name == MANIFEST:
        return None
    return name.removeprefix("alchemesh.").removesuffix(".yaml")


def _folder(manifest: str) -> str:
    return str(PurePosixPath(manifest).parent)


def _in(folder: str, name: str) -> str:
    return str(PurePosixPath(folder, name))


def _parents(folder: str) -> list[str]:
    """A folder and its parents up to the root, which is ``.``."""
    path = PurePosixPath(folder)
    return [str(each) for each in (path, *path.parents)]


def _is_below(repository: Repository, folder: str, paths: Sequence[Path]) -> bool:
    if not paths:
        return True
    limits = [repository.relative(path.parent if path.name == MANIFEST else path) for path in paths]
    return any(limit is not None and limit in _parents(folder) for limit in limits)


def _text(file: Path) -> str | None:
    try:
        return file.read_text("utf-8", "replace")
    except OSError:
        return None


def _parsed(text: str | None) -> Node | None:
    from alchemesh_platform.base.problems import ProblemsFound
    from alchemesh_platform.documents.yaml_source import parse

    if text is None:
        return None
    try:
        return parse(text, "")[0]
    except ProblemsFound:
        return None


def _merged(manifest: str | None, overlay: str | None) -> Any:
    """A manifest with its overlay as plain data; empty if it cannot be read."""
    from alchemesh_platform.documents.document import merge

    below, above = _parsed(manifest), _parsed(overlay)
    if below is None:
        return {}
    return (merge(below, above) if above is not None else below).plain()


def _address(manifest: Any) -> str:
    domain, name = (manifest.get(key) if isinstance(manifest, dict) else None for key in ("domain", "name"))
    return product_address(domain, name) if isinstance(domain, str) and isinstance(name, str) else ""


def address_in(text: str) -> str:
    """The address in the text of a manifest. Its two lines are read alone: parsing hundreds of files takes seconds."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        plain = value.partition(" #")[0].strip()
        if colon and key in ("domain", "name") and plain.replace("-", "").isalnum():
            found.setdefault(key, plain)
            if len(found) == 2:  # noqa: PLR2004 - both
                return product_address(found["domain"], found["name"])
    node = _parsed(text)
    return _address(node.plain()) if node is not None else ""


def _ports(manifest: Any) -> dict[str, Any]:
    """Everything about each output port that concerns its readers, by its address."""
    address = _address(manifest)
    if not address:
        return {}
    models = manifest.get("models") if isinstance(manifest.get("models"), dict) else {}
    found = {}
    for port in manifest.get("output_ports") or ():
        if isinstance(port, dict) and isinstance(port.get("name"), str):
            proxy = port.get("proxy")
            named = port.get("models")
            found[f"{address}/{port['name']}"] = (
                port.get("contract"),
                proxy.get("protocols") if isinstance(proxy, dict) else None,
                [(name, models.get(name)) for name in named if isinstance(name, str)]
                if isinstance(named, list)
                else None,
            )
    return found


def _reads(manifest: Any) -> Iterator[str]:
    """Addresses of the output ports that a product reads."""
    listed = manifest.get("input_ports") if isinstance(manifest, dict) else None
    for port in listed if isinstance(listed, list) else ():
        source = port.get("from") if isinstance(port, dict) else None
        if isinstance(source, dict) and isinstance(source.get("data_product"), str):
            yield f"{source['data_product']}/{source.get('output_port')}"


def _environment(text: str, environment: str) -> Any:
    """Everything in a platform file that concerns one environment: its own section, those it extends, and the rest."""
    node = _parsed(text)
    found = node.plain() if node is not None else None
    environments = found.get("environments") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(environments, dict):
        return text
    chain: dict[str, Any] = {}
    name: Any = environment
    while isinstance(name, str) and name in environments and name not in chain:
        chain[name] = environments[name]
        name = chain[name].get("extends") if isinstance(chain[name], dict) else None
    return {**found, "environments": chain}
