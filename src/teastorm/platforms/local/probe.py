"""The readiness probe of one replica: a thread that asks /readyz and remembers the answer."""

import threading

from teastorm.platforms.local.http import Connection, Unreachable

PERIOD_S = 0.1
TIMEOUT_S = 1.0
# A refusal or a closed port counts at once (the replica says so itself, or is gone). Silence
# counts from the third time on, Kubernetes' default failureThreshold: on a busy machine one slow
# answer is not an outage.
SILENT_LIMIT = 3


class ReadinessProbe:
    """Asks `GET /readyz` every 100 ms until stopped. `ready` may be read from any thread."""

    def __init__(self, host: str, port: int) -> None:
        self.ready = False
        self._connection = Connection(host, port, timeout_s=TIMEOUT_S)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"probe-{port}", daemon=True)

    def start(self) -> None:
        """Begin asking."""
        self._thread.start()

    def stop(self) -> None:
        """Stop asking; not ready from now on. Does not wait for a question on its way."""
        self._stop.set()
        self.ready = False

    def _run(self) -> None:
        silent = 0
        while not self._stop.is_set():
            try:
                status, _ = self._connection.call("GET", "/readyz")
            except Unreachable as error:
                silent = silent + 1 if error.timed_out else SILENT_LIMIT
                verdict = self.ready and silent < SILENT_LIMIT
            else:
                silent = 0
                verdict = status == 200
            self.ready = verdict and not self._stop.is_set()
            self._stop.wait(PERIOD_S)
        self._connection.close()
