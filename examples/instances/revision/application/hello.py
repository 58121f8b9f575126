"""A web service that greets: ``hello.py CONFIGURATION PORT``. Its configuration is a file that only it can read."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def server(configuration: Path, port: int) -> ThreadingHTTPServer:
    """Return the server; raises ``KeyError`` where the configuration has no greeting."""
    greeting = json.loads(configuration.read_text())["values"]["greeting"]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"healthy\n" if self.path == "/health" else f"{greeting}\n".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return ThreadingHTTPServer(("", port), Handler)


if __name__ == "__main__":
    server(Path(sys.argv[1]), int(sys.argv[2])).serve_forever()
