"""Specs of other packages: each fault of one is named with its package and the fix, and the others still work."""

from __future__ import annotations

import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from alchemesh_platform import __version__
from alchemesh_platform.base.packages import reference
from alchemesh_platform.base.packages.installed import entry_points
from alchemesh_platform.catalog import apart
from alchemesh_platform.catalog.discover import GROUP, Catalog, catalog_of
from alchemesh_platform.catalog.remembered import cache_file
from tests.catalog.test_discover import SPEC, install


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages with one good component, and an empty cache."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(folder))
    install(folder, "acme-good", {"acme_good": SPEC.format(name="good")}, {"good": "acme_good:SPEC"})
    return folder


def found(folder: Path) -> Catalog:
    return catalog_of(entry_points(GROUP, [str(folder)]))


def requires(folder: Path, package: str, text: str) -> None:
    """Add requirements to the metadata of an installed package."""
    [file] = folder.glob(f"{package.replace('-', '_')}-*.dist-info/METADATA")
    file.write_text(f"{file.read_text()}{text}\n\nRequires-Dist: alchemesh-platform>=99 is only text here\n")


def test_import_that_repeats_a_password_is_named_without_it(site: Path) -> None:
    texts = {
        "acme_raises": "raise RuntimeError('connect postgresql://u:hunter2xyz@h/db')",
        "acme_prints": f"print('password=hunter2xyz')\n{SPEC.format(name='prints')}",
    }
    for module, text in texts.items():
        name = module.removeprefix("acme_")
        install(site, module.replace("_", "-"), {module: text}, {name: f"{module}:SPEC"})
    catalog = found(site)
    _, [broken] = catalog.loaded()
    assert "RuntimeError: connect postgresql://[secret]@h/db" in broken.message
    assert [each.message for each in catalog.remarks() if each.check == "printing"] == [
        "component 'prints' of package acme-prints prints when its spec is imported: 'password=[secret]'"
    ]


@pytest.mark.parametrize(
    ("module", "text", "said"),
    [
        ("acme_sleeps", "import time; time.sleep(60)", "hangs: its import does not end within 1 s"),
        ("acme_waits", "while True: pass", "hangs: its import does not end within 1 s"),
        ("acme_leaves", "import os; os._exit(3)", "ends the process, with exit code 3"),
        ("acme_crashes", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "with exit code -11"),
    ],
)
def test_import_that_hangs_or_ends_the_process_is_named_and_the_others_work(
    site: Path, monkeypatch: pytest.MonkeyPatch, module: str, text: str, said: str
) -> None:
    monkeypatch.setattr(apart, "CALL_SECONDS", 1.0)
    install(site, "acme-bad", {module: text}, {"bad": f"{module}:SPEC"})
    install(site, "acme-last", {f"{module}_last": SPEC.format(name="last")}, {"last": f"{module}_last:SPEC"})
    specs, [broken] = found(site).loaded()
    assert [spec.name for spec in specs] == ["good", "last"]
    assert broken.message.startswith(f"component 'bad' of package acme-bad ({module}:SPEC) ")
    assert said in broken.message
    assert broken.hint == "reinstall or uninstall acme-bad, or report this to its author"
    assert module not in sys.modules


def test_specs_of_other_packages_are_named_where_no_process_can_be_started(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(site / "no-python"))
    [broken] = found(site).loaded()[1]
    said = "needs a process of its own, which does not start: No such file or directory"
    assert broken.message == f"component 'good' of package acme-good (acme_good:SPEC) {said}"


ANSWER = '[{\\"spec\\": {}, \\"files\\": []}, \\"\\", \\"\\"]'


@pytest.mark.parametrize("written", ["not json\\n", "[1,2,3,4,5]\\n{}\\n", f"{ANSWER}\\n", "no line break", "\\n"])
def test_import_that_writes_to_every_open_file_is_named_and_the_others_work(site: Path, written: str) -> None:
    """Such a package stopped every command that lists components; its line counted as the answer of another one."""
    text = f"""
import os
for descriptor in range(3, 40):
    try:
        os.write(descriptor, b"{written}")
    except OSError:
        pass
"""
    install(site, "acme-bad", {"acme_writes": text + SPEC.format(name="bad")}, {"bad": "acme_writes:SPEC"})
    install(site, "acme-last", {"acme_writes_last": SPEC.format(name="last")}, {"last": "acme_writes_last:SPEC"})
    specs, [broken] = found(site).loaded()
    assert [spec.name for spec in specs] == ["good", "last"]
    named = "component 'bad' of package acme-bad (acme_writes:SPEC) writes to the pipe of its answers"
    assert broken.message == named


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("roles=('stroage',)", "has roles[0]='stroage' in its spec: it should be 'input port', 'storage', "),
        ("roles=None", "has roles=None in its spec: it should be a valid tuple"),
        ("roles='storage'", "has roles='storage' in its spec: it should be a valid tuple"),
        ("summary=None", "has summary=None in its spec: it should be a valid string"),
        ("protocols=None", "has protocols=None in its spec: it should be a valid tuple"),
        ("maturity='young'", "has maturity='young' in its spec: it should be "),
        ("permissions=('storage.get',)", "has permissions[0]='storage.get' in its spec: Arguments must be a tuple"),
    ],
)
def test_spec_with_a_field_of_another_type_is_named_and_the_others_work(site: Path, field: str, said: str) -> None:
    text = f"{SPEC.format(name='bad')}\nimport dataclasses\nSPEC = dataclasses.replace(SPEC, {field})\n"
    install(site, "acme-bad", {"acme_bad": text}, {"bad": "acme_bad:SPEC"})
    specs, [broken] = found(site).loaded()
    assert [spec.name for spec in specs] == ["good"]
    assert broken.message.startswith(f"component 'bad' of package acme-bad (acme_bad:SPEC) {said}")
    assert broken.hint == "report this to the author of acme-bad"


def test_import_that_prints_keeps_the_output_of_commands_and_is_named(
    site: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    loud = "import os, sys; print('hello'); print('oh', file=sys.stderr); sys.stdout.flush(); os.system('echo shell')\n"
    install(site, "acme-loud", {"acme_loud": loud + SPEC.format(name="loud")}, {"loud": "acme_loud:SPEC"})
    catalog = found(site)
    specs, broken = catalog.loaded()
    assert ([spec.name for spec in specs], broken) == (["good", "loud"], [])
    assert capfd.readouterr() == ("", "")
    [remark] = catalog.remarks()
    assert remark.message == "component 'loud' of package acme-loud prints when its spec is imported: 'hello'"
    assert remark.hint == "report this to the author of acme-loud"
    assert found(site).remarks() == [remark], "the next command remembers it"


def test_model_that_prints_on_import_prints_on_stderr(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "acme_models.py").write_text("print('models')\nclass A: pass\n")
    text = SPEC.format(name="talks").replace("m:A", "acme_models:A")
    install(site, "acme-talks", {"acme_talks": text}, {"talks": "acme_talks:SPEC"})
    assert found(site)["talks"].args_model().__name__ == "A"
    assert capsys.readouterr() == ("", "models\n")


def test_model_whose_import_takes_long_is_named_on_stderr(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reference, "LONG_SECONDS", 0.01)
    waits = "import sys, threading\nwhile 'acme_long' not in sys.stderr.getvalue():\n"
    (site / "acme_long.py").write_text(f"{waits}    threading.Event().wait(0.01)\nclass A: pass\n")
    text = SPEC.format(name="long").replace("m:A", "acme_long:A")
    install(site, "acme-long", {"acme_long_spec": text}, {"long": "acme_long_spec:SPEC"})
    assert found(site)["long"].args_model().__name__ == "A"
    note = "note: the import of acme_long has taken 0.01 s; it is given up after 60 s\n"
    assert capsys.readouterr().err == note


@pytest.mark.parametrize("in_main", [True, False])
def test_model_whose_import_hangs_is_given_up_and_named(
    in_main: bool, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = f"acme_stuck_{in_main}".lower()
    monkeypatch.setattr(reference, "IMPORT_SECONDS", 0.2)
    ended = threading.Event()
    monkeypatch.setattr(reference, "ended", ended, raising=False)
    waits = "try:\n    reference.ended.wait()\nexcept Exception:\n    pass\n"
    (site / f"{module}.py").write_text(
        f"from alchemesh_platform.base.packages import reference\n{waits}class A: pass\n"
    )
    text = SPEC.format(name="stuck").replace("m:A", f"{module}:A")
    install(site, "acme-stuck", {f"{module}_spec": text}, {"stuck": f"{module}_spec:SPEC"})
    spec = found(site)["stuck"]
    said = f"the import of {module} does not end within 0.2 s"
    for _ in range(2):  # the second time at once
        with ThreadPoolExecutor() as pool, pytest.raises(TimeoutError, match=said):
            (spec.args_model if in_main else pool.submit(spec.args_model).result)()
    ended.set()


def test_spec_without_a_summary_is_named(site: Path) -> None:
    text = SPEC.format(name="mute").replace("Files elsewhere.", " ")
    install(site, "acme-mute", {"acme_mute": text}, {"mute": "acme_mute:SPEC"})
    [remark] = found(site).remarks()
    assert remark.message == "component 'mute' of package acme-mute has no summary in its spec"


@pytest.mark.parametrize("requirement", ["alchemesh-platform>=99", "Alchemesh_Platform[local] (>=99)"])
def test_package_for_another_version_of_the_platform_is_named_and_not_imported(site: Path, requirement: str) -> None:
    install(site, "acme-new", {"acme_new": "raise RuntimeError('imported')"}, {"new": "acme_new:SPEC"})
    requires(site, "acme-new", f"Requires-Dist: {requirement}")
    specs, [broken] = found(site).loaded()
    assert [spec.name for spec in specs] == ["good"]
    assert broken.message == (
        f"component 'new' of package acme-new 1.0.0 needs alchemesh-platform >=99, found {__version__}"
    )
    assert broken.hint == (
        f"install a version of acme-new for alchemesh-platform {__version__}, or run "
        "`pip install 'alchemesh-platform>=99'`"
    )


@pytest.mark.parametrize("requirement", ["alchemesh-platform>=0.0.1", "alchemesh-platform>=99; extra == 'x'", "click"])
def test_package_for_this_version_of_the_platform_is_used(site: Path, requirement: str) -> None:
    requires(site, "acme-good", f"Requires-Dist: {requirement}")
    assert found(site)["good"].owner == "acme"


def test_version_of_a_component_is_by_default_that_of_its_package(site: Path) -> None:
    text = SPEC.format(name="plain").replace('version="1.0.0",', "")
    install(site, "acme-plain", {"acme_plain": text}, {"plain": "acme_plain:SPEC"})
    [metadata] = site.glob("acme_plain-*.dist-info/METADATA")
    metadata.write_text("Metadata-Version: 2.1\nName: acme-plain\nVersion: 4.2.0rc1\n")
    assert found(site)["plain"].version == "4.2.0rc1"


def test_remembered_spec_is_the_same_and_is_not_imported_again(site: Path) -> None:
    (site / "acme_count.txt").write_text("")
    count = f"open({str(site / 'acme_count.txt')!r}, 'a').write('x')\n"
    install(site, "acme-once", {"acme_once": count + SPEC.format(name="once")}, {"once": "acme_once:SPEC"})
    first, second = found(site)["once"], found(site)["once"]
    assert first == second
    assert (site / "acme_count.txt").read_text() == "x"
    found(site).loaded(again=True)
    assert (site / "acme_count.txt").read_text() == "xx"


def test_changed_module_of_a_spec_is_imported_again(site: Path) -> None:
    (site / "acme_part").mkdir()
    (site / "acme_part" / "__init__.py").write_text("")
    (site / "acme_part" / "words.py").write_text("SUMMARY = 'Old.'\n")
    text = "from acme_part.words import SUMMARY\n" + SPEC.format(name="part").replace("'part'", "'part'")
    (site / "acme_part" / "spec.py").write_text(text.replace('"Files elsewhere."', "SUMMARY"))
    install(site, "acme-part", {}, {"part": "acme_part.spec:SPEC"})
    assert found(site)["part"].summary == "Old."
    (site / "acme_part" / "words.py").write_text("SUMMARY = 'Changed.'\n")
    assert found(site)["part"].summary == "Changed."


def test_failure_is_not_remembered(site: Path) -> None:
    install(
        site,
        "acme-needs",
        {"acme_needs": "import acme_missing\n" + SPEC.format(name="needs")},
        {"needs": "acme_needs:SPEC"},
    )
    assert len(found(site).loaded()[1]) == 1
    (site / "acme_missing.py").write_text("")
    assert found(site).loaded()[1] == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"x": 3}', None])
def test_damaged_cache_costs_time_only(site: Path, content: str | None) -> None:
    assert found(site)["good"].owner == "acme"
    file = cache_file()
    assert file.is_file()
    assert file.stat().st_mode & 0o077 == 0
    if content is None:  # an entry of another form
        content = json.dumps({key: {"files": {}, "spec": {"name": 3}} for key in json.loads(file.read_text())})
    file.write_text(content)
    assert found(site)["good"].owner == "acme"


def test_cache_that_cannot_be_written_costs_time_only(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (site.parent / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(site.parent / "file"))
    assert found(site)["good"].owner == "acme"


def test_cache_forgets_packages_that_are_gone(site: Path) -> None:
    install(site, "acme-gone", {"acme_gone": SPEC.format(name="gone")}, {"gone": "acme_gone:SPEC"})
    found(site).loaded()
    for file in (*site.glob("acme_gone-*/*"), *site.glob("acme_good-*/METADATA")):
        file.unlink()
    [folder] = site.glob("acme_gone-*")
    folder.rmdir()
    (site / "acme_good.py").write_text(SPEC.format(name="good") + os.linesep)
    found(site).loaded()
    assert [key.partition("\n")[2] for key in json.loads(cache_file().read_text())] == ["good\nacme_good:SPEC"]


@pytest.mark.parametrize("value", ["acme_part.spec", ""])
def test_entry_point_of_another_form_is_named(site: Path, value: str) -> None:
    """The message was once "module 'acme_part.spec' has no attribute ''", or "Empty module name"."""
    install(site, "acme-part", {}, {"part": value})
    [broken] = found(site).loaded()[1]
    assert broken.message == (
        f"component 'part' of package acme-part ({value}) cannot be loaded: ValueError: found {value!r}, expected "
        "MODULE:NAME"
    )
