"""A Prometheus with three series, which wants a token; with a TLS context it speaks https."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from urllib.parse import parse_qs, urlsplit

import orjson

from teastorm.tune.prometheus import Access

ACCESS = Access(token="s3cret", headers=MappingProxyType({"X-Scope-OrgID": "shop"}))
QUERIES = {
    "sum(rate(http_requests_total[1m]))": [10, 10, 20, 80, 80, 20, 10, 10],
    "histogram_quantile(0.5, latency)": [0.2, 0.2, 0.25, 0.9, 1.2, 0.3, 0.2, 0.2],
    "sum(replicas)": [2, 2, 2, 2, 2, 4, 4, 4],
}


def serving(context=None):
    """A Prometheus that wants a token; with a TLS context it speaks https."""
    seen = []

    class Api(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            given = {key: values[0] for key, values in parse_qs(parts.query).items()}
            seen.append((parts.path, given, dict(self.headers)))
            if self.headers.get("Authorization") != "Bearer s3cret":
                return self.answer(401, {"status": "error"})
            values = QUERIES.get(given["query"])
            start, step = float(given["start"]), float(given["step"])
            rows = (
                []
                if values is None
                else [
                    {
                        "metric": {},
                        "values": [[start + n * step, str(v)] for n, v in enumerate(values)],
                    }
                ]
            )
            return self.answer(200, {"status": "success", "data": {"result": rows}})

        def answer(self, status, content):
            body = orjson.dumps(content)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            return

    http = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    scheme = "http"
    if context is not None:
        scheme = "https"
        http.socket = context.wrap_socket(http.socket, server_side=True)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield f"{scheme}://127.0.0.1:{http.server_port}", seen
    http.shutdown()
    http.server_close()
