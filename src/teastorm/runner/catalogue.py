"""Where experiments are, and which there are."""

from __future__ import annotations

from pathlib import Path

from teastorm.runner.problems import did_you_mean, usage

EXPERIMENTS_DIR = Path("experiments")


def find(name: str) -> Path:
    """A path as given, or a name that is looked up in `experiments/`."""
    given = Path(name)
    if given.suffix in {".yaml", ".yml", ".json"}:
        if not given.is_file():
            raise usage(f"{given}: no such file; `teastorm list` names the experiments there are")
        return given
    here = EXPERIMENTS_DIR / f"{name}.yaml"
    if here.is_file():
        return here
    known = [path.stem for path in catalogue()]
    if not known:
        raise usage(
            f"{EXPERIMENTS_DIR}/: there are no experiments; run it where the repository is, or "
            "name an experiment's file"
        )
    raise usage(f"{here}: no such experiment{did_you_mean(name, known)}")


def catalogue(directory: Path = EXPERIMENTS_DIR) -> list[Path]:
    """The experiment files, by name; a YAML file without a method is something else."""
    return [path for path in sorted(directory.glob("*.yaml")) if path.name != "slo.yaml"]
