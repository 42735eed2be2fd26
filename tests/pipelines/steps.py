"""Runs the steps of a written pipeline, one after the other, in a shell of this machine.

It runs the scripts as they are, with the variables and outputs that the steps declare. Actions of others are replaced:
a checkout is the repository itself, and artifacts are files in a folder. GitHub's and GitLab's own runners did not run
them: their parts are what the linters check.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from .forked import program

_EXPRESSION = re.compile(r"\$\{\{ (.+?) \}\}")


@dataclass
class Runner:
    """A runner with a repository.

    Args:
        root: The repository.
        scratch: Its folder for temporary files and artifacts.
        environ: Variables of each job, in addition to those that a shell needs.
        installed: What the jobs have installed, instead of the package index: this checkout is used.
        without_engine: Whether `alchemesh up` and `engine` only write their words, and the token, into the log.
    """

    root: Path
    scratch: Path
    environ: dict[str, str] = field(default_factory=dict)
    installed: list[str] = field(default_factory=list)
    without_engine: bool = False

    def github(self, file: str, job: str, context: Mapping[str, str]) -> list[int]:
        """Run a job of a workflow; returns the exit codes of its scripts. A failed step ends it, as GitHub does.

        Args:
            file: The workflow.
            job: The id of the job.
            context: The values of expressions, such as ``github.base_ref``.
        """
        workflow = yaml.safe_load((self.root / ".github/workflows" / file).read_text("utf-8"))
        codes: list[int] = []
        steps: dict[str, dict[str, str]] = {}
        for step in workflow["jobs"][job]["steps"]:
            if codes and codes[-1] != 0 and "cancelled()" not in str(step.get("if", "")):
                continue
            uses = str(step.get("uses", "")).partition("@")[0]
            given = {name: self._value(str(value), context, steps) for name, value in step.get("with", {}).items()}
            if uses == "./.github/actions/alchemesh":
                steps[step.get("id", "")] = self._set_up(given, codes)
            elif uses == "actions/upload-artifact":
                self._upload(given)
            elif uses == "actions/download-artifact":
                self._download(given)
            elif "run" in step:
                variables = {name: self._value(str(each), context, steps) for name, each in step.get("env", {}).items()}
                code, outputs = self._shell(step["run"], variables)
                steps[step.get("id", "")] = outputs
                codes.append(code)
            else:
                assert uses == "actions/checkout", uses
        return codes

    def gitlab(self, job: str, inputs: Mapping[str, str], variables: Mapping[str, str]) -> int:
        """Run a job of the component; returns its exit code.

        Args:
            job: The name of the job, with its inputs.
            inputs: The inputs of the component.
            variables: The variables of the pipeline.
        """
        header, body = (self.root / "templates/alchemesh.yml").read_text("utf-8").split("\n---\n")
        declared = yaml.safe_load(header)["spec"]["inputs"]
        for name, each in declared.items():
            body = body.replace(f"$[[ inputs.{name} ]]", str(inputs.get(name, each.get("default", ""))))
        jobs = yaml.safe_load(body)
        base = jobs[jobs[job]["extends"]]
        own = {**base.get("variables", {}), **jobs[job].get("variables", {})}
        known = {"CI_PROJECT_DIR": str(self.root), **variables}
        expanded = {name: re.sub(r"\$(\w+)", lambda found: known.get(found[1], ""), text) for name, text in own.items()}
        script = "\n".join((*base["before_script"], *jobs[job]["script"]))
        return self._shell(script, {**known, **expanded})[0]

    def _set_up(self, given: Mapping[str, str], codes: list[int]) -> dict[str, str]:
        """The composite action; returns its outputs."""
        action = yaml.safe_load((self.root / ".github/actions/alchemesh/action.yml").read_text("utf-8"))
        inputs = {f"inputs.{name}": given.get(name, each.get("default", "")) for name, each in action["inputs"].items()}
        steps: dict[str, dict[str, str]] = {}
        for step in action["runs"]["steps"]:
            if "run" not in step or not _holds(step.get("if"), inputs):
                continue
            variables = {name: self._value(each, inputs, steps) for name, each in step.get("env", {}).items()}
            code, outputs = self._shell(step["run"], variables)
            steps[step.get("id", "")] = outputs
            codes.append(code)
            if code != 0:
                break
        return {name: self._value(each["value"], inputs, steps) for name, each in action["outputs"].items()}

    def _value(self, text: str, context: Mapping[str, str], steps: Mapping[str, Mapping[str, str]]) -> str:
        def found(match: re.Match[str]) -> str:
            expression = match[1]
            if expression == "runner.temp":
                return str(self.scratch)
            if output := re.fullmatch(r"steps\.([\w-]+)\.outputs\.([\w-]+)", expression):
                return steps.get(output[1], {}).get(output[2], "")
            return context[expression]

        return _EXPRESSION.sub(found, text)

    def _upload(self, given: Mapping[str, str]) -> None:
        file = self.root / given["path"]
        artifact = self.scratch / "artifacts" / given["name"]
        shutil.rmtree(artifact, ignore_errors=True)
        if file.exists():
            artifact.mkdir(parents=True)
            shutil.move(file, artifact / file.name)

    def _download(self, given: Mapping[str, str]) -> None:
        shutil.rmtree(given["path"], ignore_errors=True)
        artifact = self.scratch / "artifacts" / given["name"]
        if artifact.is_dir():
            shutil.copytree(artifact, given["path"])

    def _shell(self, script: str, variables: Mapping[str, str]) -> tuple[int, dict[str, str]]:
        """Run a script as GitHub's runner starts it; returns its exit code and its outputs."""
        output = self.scratch / "output"
        output.write_text("", "utf-8")
        environ = {
            "PATH": f"{self._programs()}:{os.environ['PATH']}",
            "HOME": str(self.scratch),
            "GITHUB_OUTPUT": str(output),
            "RUNNER_TEMP": str(self.scratch),
            "NO_COLOR": "1",
            **self.environ,
            **variables,
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.root,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        (self.scratch / "log").open("a").write(f"$ {script}\n{done.stdout}{done.stderr}\n[{done.returncode}]\n")
        pip = self.scratch / "pip"
        self.installed[:] = pip.read_text("utf-8").splitlines() if pip.exists() else []
        lines = (line.partition("=") for line in output.read_text("utf-8").splitlines())
        return done.returncode, {name: value for name, _, value in lines}

    def _programs(self) -> Path:
        """A folder with `alchemesh` of this checkout, and a `python` whose pip only notes its last argument."""
        folder = self.scratch / "bin"
        if not folder.exists():
            folder.mkdir()
            note = f'if [ "$1 $2" = "-m pip" ]; then echo "${{@: -1}}" >> {self.scratch}/pip; exit 0; fi'
            self._program(folder / "python", f'{note}\nexec {sys.executable} "$@"')
            log = 'case "$1" in up | engine) echo "alchemesh $*, token ${ALCHEMESH_TOKEN:-}"; exit 0;; esac\n'
            log = log if self.without_engine else ""
            self._program(folder / "alchemesh", f'{log}exec {program(folder)} "$@"')
        return folder

    @staticmethod
    def _program(file: Path, body: str) -> None:
        file.write_text(f"#!/usr/bin/env bash\n{body}\n", "utf-8")
        file.chmod(0o755)


def _holds(condition: str | None, inputs: Mapping[str, str]) -> bool:
    """Whether a step of the composite action runs: its conditions compare one input with one value."""
    if condition is None:
        return True
    name, operator, value = condition.split(" ")
    return (inputs[name] == value.strip("'")) is (operator == "==")
