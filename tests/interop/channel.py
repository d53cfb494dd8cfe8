# SPDX-License-Identifier: Apache-2.0
"""Requests to agent.py, wherever it runs: one JSON object a line, by two pipes."""

import json
import os
import select
import threading
import time

import lab


class Channel:
    def __init__(self, process, name, explain):
        """explain(): what to read when the agent is silent."""
        self.process, self.name, self.explain = process, name, explain
        self.rest = b""
        self.writing = threading.Lock()

    def nudge(self):
        """An empty line, which asks nothing. False once nobody reads."""
        with self.writing:
            try:
                return os.write(self.process.stdin.fileno(), b"\n") == 1
            except (OSError, ValueError):
                return False

    def expect_ready(self, seconds):
        line = self._line(seconds)
        if line != b'{"ready": true}':
            raise lab.LabError(f"{self.name} said {line!r}")

    def ask(self, verb, seconds=30, **request):
        """One request, its answer. Raises LabError on an error."""
        request["verb"] = verb
        octets = json.dumps(request).encode() + b"\n"
        with self.writing:
            while octets:
                octets = octets[os.write(self.process.stdin.fileno(), octets):]
        answer = json.loads(self._line(seconds))
        if "error" in answer:
            raise lab.LabError(f"{self.name}: {verb}: {answer['error']}")
        return answer

    def _line(self, seconds):
        end = time.monotonic() + seconds
        out = self.process.stdout.fileno()
        while b"\n" not in self.rest:
            ready = select.select([out], [], [], max(0, end - time.monotonic()))[0]
            more = os.read(out, 65536) if ready else b""
            if not more:
                raise lab.LabError(f"{self.name} says nothing: {self.rest[-2000:]!r}\n"
                                   f"{self.explain()}")
            self.rest += more
        line, self.rest = self.rest.split(b"\n", 1)
        return line.strip()
