"""What a platform cannot do, told to a person and to CI."""


class PlatformError(Exception):
    """Something the platform cannot do, as one sentence for a person and an exit code for CI.

    Exit codes: 2 usage, 3 precondition (a tool or a healthy shop is missing), 5 the system may
    still be faulty, 70 internal.
    """

    def __init__(self, exit_code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code
        self.sentence = sentence
