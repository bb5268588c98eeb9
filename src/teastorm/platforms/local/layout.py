"""The files a local shop runs from: work folder, logs, and a settings file for each replica."""

import secrets
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from teastorm.platforms.base import WITH_LEDGER, ShopPlan
from teastorm.platforms.endpoints import write_atomically


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where things are. `work` is private and temporary; logs and settings stay with the run."""

    work: Path
    logs: Path
    shown_settings: Path
    endpoints_file: Path
    admin_token: str

    @classmethod
    def create(cls, run_dir: Path | None) -> "Layout":
        """Make the folders (`OSError` when that is not possible)."""
        work = Path(tempfile.mkdtemp(prefix="teastorm-"))
        base = work if run_dir is None else run_dir.absolute()
        layout = cls(
            work=work,
            logs=base / "logs",
            shown_settings=base / "settings",
            endpoints_file=work / "endpoints.json",
            admin_token=secrets.token_urlsafe(24),
        )
        try:
            for folder in (layout.logs, layout.shown_settings, work / "replicas"):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            layout.remove()
            raise
        return layout

    def remove(self) -> list[str]:
        """Remove the work folder; gives what is still there."""
        shutil.rmtree(self.work, ignore_errors=True)
        return [str(self.work)] if self.work.exists() else []

    def log_of(self, replica_id: str) -> Path:
        """Where a replica's output goes."""
        return self.logs / f"{replica_id}.log"

    def write_settings(self, plan: ShopPlan, service: str, replica_id: str) -> Path:
        """The file a replica reads (with the admin token, owner only), and its public copy."""
        content = settings_of(plan, service, replica_id, self)
        path = self.work / "replicas" / f"{replica_id}.json"
        write_atomically(path, orjson.dumps(content), mode=0o600)
        public = {**content, "common": {**_common(content), "replica": "", "admin_token": None}}
        shown = self.shown_settings / f"{service}.json"
        write_atomically(shown, orjson.dumps(public, option=orjson.OPT_INDENT_2))
        return path


def settings_of(plan: ShopPlan, service: str, replica_id: str, layout: Layout) -> dict[str, object]:
    """What `teashop.serving.settings.load` reads: common fields, the database, the plan's extras.

    `settings.<service>.common` in the plan is laid over the generated common fields.
    """
    extras = dict(plan.settings.get(service, {}))
    extra_common = extras.pop("common", {})
    common: dict[str, object] = {
        "service": service,
        "replica": replica_id,
        "seed": plan.seed,
        "protections": dict(plan.protections),
        "endpoints_file": str(layout.endpoints_file),
        "admin_token": layout.admin_token,
    }
    if isinstance(extra_common, Mapping):
        common |= extra_common
    content: dict[str, object] = {"common": common}
    if service in WITH_LEDGER:
        content["dsn"] = f"sqlite:///{layout.work / f'{service}.db'}"
    return content | extras


def _common(content: Mapping[str, object]) -> Mapping[str, object]:
    common = content["common"]
    if not isinstance(common, Mapping):
        raise TypeError("common must be a mapping")
    return common
