"""Serves moto on a free loopback port, prints the port, and ends when standard input is closed.

The server thus never outlives the process that started it, however that one ends.
"""

import logging
import sys

from moto.server import ThreadedMotoServer

# Otherwise every request is a line among the results of the tests.
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
_, port = server.get_host_and_port()
print(port, flush=True)
sys.stdin.buffer.read()
server.stop()
