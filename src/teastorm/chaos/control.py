"""The control that turns a Chaos Toolkit experiment into a judged run.

Before the experiment: capacity, shop, recorder, run folder. After it: faults rolled back first,
then the load ended, the books read, everything written, the shop torn down, the verdict.
"""

import logging
import sys
from pathlib import Path

from chaoslib.exceptions import InterruptExecution
from chaoslib.types import Configuration, Experiment, Journal

from teastorm.chaos.host import host
from teastorm.chaos.session import Chosen, close_session, open_session
from teastorm.runner.closing import Outcome, close_run
from teastorm.runner.document import EXTENSION
from teastorm.runner.experiment import check
from teastorm.runner.opening import open_run
from teastorm.runner.problems import INTERNAL, INTERRUPTED, RunProblem, usage

__all__ = ["after_experiment_control", "before_experiment_control"]

logger = logging.getLogger("chaostoolkit")


def before_experiment_control(
    context: Experiment, configuration: Configuration | None = None
) -> None:
    """Deploy the shop of this arm, with its capacity known, and begin to record.

    Chaos Toolkit ignores what a control raises unless it is an interruption, so any failure
    becomes one: nothing of the method runs then.
    """
    here = host()
    here.interruption.install()
    try:
        source = _source(context)
        experiment = check(context, source)
        opened = open_run(experiment, _chosen(configuration or {}), here.options, here.interruption)
    except RunProblem as problem:
        here.outcome = Outcome(
            exit_code=problem.exit_code, run_dir=None, result=None, trouble=(problem.sentence,)
        )
        raise InterruptExecution(problem.sentence) from problem
    except Exception as error:
        logger.debug("the run could not be opened", exc_info=True)
        sentence = f"the run could not be opened: {type(error).__name__}: {error}"
        here.outcome = Outcome(exit_code=INTERNAL, run_dir=None, result=None, trouble=(sentence,))
        raise InterruptExecution(sentence) from error
    here.opened = opened
    open_session(opened.session)


def after_experiment_control(context: Experiment, state: Journal | None = None) -> None:
    """Make the shop whole, complete the run folder, judge, and say the verdict."""
    del context
    here = host()
    try:
        if here.opened is None:
            here.outcome = here.outcome or Outcome(exit_code=INTERRUPTED, run_dir=None, result=None)
            return
        with here.interruption.shielded():
            here.outcome = close_run(
                here.opened.session,
                here.opened.recorder,
                state or {},
                here.options.say,
                here.opened.scaler,
            )
        _tell(here.outcome)
    except KeyboardInterrupt:
        # It came while the shield was up; everything it asked for has just been done.
        logger.debug("interrupted while closing")
    finally:
        here.opened = None
        close_session()
        here.interruption.restore()


def _tell(outcome: Outcome) -> None:
    for sentence in outcome.trouble:
        logger.warning(sentence)
    if outcome.result is not None:
        logger.info(
            "teastorm: %s (exit %d): %s",
            outcome.result.verdict,
            outcome.exit_code,
            outcome.result.reason,
        )
    logger.info("teastorm: the run is in %s", outcome.run_dir)


def _chosen(configuration: Configuration) -> Chosen:
    raw = configuration.get("teastorm_seed", 1)
    try:
        seed = int(raw)
    except (TypeError, ValueError) as error:
        raise usage(f"configuration.teastorm_seed must be a whole number, got {raw!r}") from error
    try:
        return Chosen(
            platform=str(configuration.get("teastorm_platform", "local")),
            arm=str(configuration.get("teastorm_arm", "protected")),
            seed=seed,
        )
    except ValueError as error:
        raise usage(f"configuration.teastorm_{error}") from error


def _source(document: Experiment) -> Path:
    """The experiment's own file: its objectives and curves lie beside it."""
    for extension in document.get("extensions") or []:
        if extension.get("name") == EXTENSION and extension.get("source"):
            return Path(extension["source"])
    for word in sys.argv[1:]:
        path = Path(word)
        if path.suffix in {".yaml", ".yml", ".json"} and path.is_file():
            return path
    return Path("experiments") / "experiment.yaml"
