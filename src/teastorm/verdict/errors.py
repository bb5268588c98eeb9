"""The one error a reader of run folders raises."""


class RunFolderError(ValueError):
    """A run folder cannot be judged: one sentence naming the file, the field and the fix."""
