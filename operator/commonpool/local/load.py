"""`python -m commonpool.local.load PORT`: tells services' load in the shape of Prometheus' query API; `PUT /load` sets it.

`PUT /load?namespace=nlp-dev&name=chat&total=55` and `GET /api/v1/query?query=...`: the query's own
labels `namespace` and `service` say which service is meant. A load that nobody has set is no series, as in Prometheus.
"""

import json
import re
import sys
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_LABEL = re.compile(r'(namespace|service)="([^"]*)"')


class Loads:
    """What somebody has set, by namespace and service."""

    def __init__(self) -> None:
        self._totals: dict[tuple[str, str], float] = {}

    def put(self, namespace: str, name: str, total: float) -> None:
        """Set one service's load."""
        self._totals[namespace, name] = total

    def answer(self, query: str, now: float) -> dict[str, object]:
        """The body of Prometheus' answer to an instant query."""
        labels = dict(_LABEL.findall(query))
        total = self._totals.get((labels.get("namespace", ""), labels.get("service", "")))
        result = [] if total is None else [{"metric": {}, "value": [now, str(total)]}]
        return {"status": "success", "data": {"resultType": "vector", "result": result}}


def build_server(port: int) -> ThreadingHTTPServer:
    """A server on 127.0.0.1 with no load yet."""
    loads = Loads()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/api/v1/query":
                self._say(HTTPStatus.OK, loads.answer(parse_qs(parts.query).get("query", [""])[0], time.time()))
            else:
                self._say(HTTPStatus.OK if parts.path == "/-/ready" else HTTPStatus.NOT_FOUND, {})

        def do_PUT(self) -> None:
            said = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            try:
                loads.put(said["namespace"], said["name"], float(said["total"]))
            except (KeyError, ValueError):
                self._say(HTTPStatus.BAD_REQUEST, {"error": "say namespace, name and total, a number"})
            else:
                self._say(HTTPStatus.OK, {})

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
            """Say nothing of requests that went well."""

        def _say(self, status: HTTPStatus, body: dict[str, object]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


if __name__ == "__main__":
    build_server(int(sys.argv[1])).serve_forever()
