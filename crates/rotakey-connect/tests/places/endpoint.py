"""An endpoint of the protocol of docs/destinations.md, on a free port that it prints.

It runs the two examples of that page: the check of the signature, and the program, which keeps the key. Its clock stands
at NOW, in seconds since 1970.

    endpoint.py verify.py exec.py FOLDER SECRET NOW
"""

import http.server
import io
import json
import os
import runpy
import sys
import threading
import time

verify, program, folder, secret, now = sys.argv[1:]
time.time = lambda: float(now)
is_from_rotakey = runpy.run_path(verify)["is_from_rotakey"]
code = compile(open(program).read(), program, "exec")
one_at_a_time = threading.Lock()


def run(body, file):
    """The program, in this process: an interpreter for each request would take most of the time."""
    with one_at_a_time:
        os.environ["KEY_FILE"] = file
        ends = sys.stdin, sys.stdout
        sys.stdin, sys.stdout = io.StringIO(body.decode()), io.StringIO()
        try:
            exec(code, {})
        except SystemExit:
            return sys.stdout.getvalue().encode()
        finally:
            sys.stdin, sys.stdout = ends


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not is_from_rotakey(secret.encode(), self.headers, body):
            return self.answer(401, b'{"message": "the signature is wrong"}')
        place = json.loads(body)["place"]
        if place == "elsewhere":
            self.send_response(307)
            self.send_header("Location", "/other")
            self.end_headers()
            return None
        if place == "denied":
            return self.answer(403, b'{"message": "not this place"}')
        return self.answer(200, run(body, os.path.join(folder, place + ".json")))

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
