"""Helm as a subprocess: always a list of arguments, never a shell, bounded, one sentence on failure."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from teastorm.platforms.base import PlatformError
from teastorm.platforms.kubernetes.settings import ClusterSettings

TIMEOUT_S = 120.0


class Helm:
    """One release. `PlatformError` (3) when Helm is missing, refuses or takes too long."""

    def __init__(self, settings: ClusterSettings, *, program: str = "helm") -> None:
        self._settings = settings
        self._program = program

    def check(self) -> None:
        """Whether Helm and the chart are there; before anything is changed."""
        if shutil.which(self._program) is None:
            raise PlatformError(
                3, "helm is not on PATH; install it (https://helm.sh/docs/intro/install/)"
            )
        if not (self._settings.chart / "Chart.yaml").is_file():
            raise PlatformError(
                3, f"{self._settings.chart}: no chart there; run from the repository, or --chart"
            )
        for path in self._settings.values:
            if not path.is_file():
                raise PlatformError(2, f"--values {path}: no such file")

    def upgrade(self, files: Sequence[Path]) -> None:
        """Install the release, or make it what the chart and `files` say, later over earlier."""
        given = [word for path in files for word in ("--values", str(path))]
        chart = str(self._settings.chart)
        self._run(["upgrade", "--install", self._settings.release, chart, "--reset-values", *given])

    def values(self) -> dict[str, object] | None:
        """What the installed release was given; None when there is none."""
        listed = json.loads(self._run(["list", "--all", "--output", "json"]) or "[]")
        if self._settings.release not in {row.get("name") for row in listed}:
            return None
        said = self._run(["get", "values", self._settings.release, "--output", "json"])
        found = json.loads(said or "null")
        return found if isinstance(found, dict) else {}

    def uninstall(self) -> None:
        """Remove the release; harmless when there is none."""
        self._run(["uninstall", self._settings.release, "--ignore-not-found"])

    def _run(self, words: Sequence[str]) -> str:
        settings = self._settings
        command = [self._program, *words]
        command += ["--namespace", settings.namespace, "--kube-context", settings.context]
        if settings.kubeconfig is not None:
            command += ["--kubeconfig", str(settings.kubeconfig)]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=TIMEOUT_S,
                check=False,
            )
        except OSError as error:
            raise PlatformError(3, f"cannot start helm: {error}") from error
        except subprocess.TimeoutExpired as error:
            raise PlatformError(
                3, f"helm {words[0]} did not end within {TIMEOUT_S:.0f} s; is the cluster busy?"
            ) from error
        if done.returncode:
            said = " ".join(done.stderr.split())[-400:]
            raise PlatformError(3, f"helm {words[0]} {settings.release}: {said}")
        return done.stdout
