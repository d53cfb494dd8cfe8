# SPDX-License-Identifier: Apache-2.0
"""A program in a virtual host that keeps sockets, each under a name.

Reads one JSON request a line and answers with one JSON object a line. Its
setsockopt() calls reach Postern because `postern exec` preloads libpostern.
"""

import errno
import json
import socket
import sys
import threading
import time

from agent import FAMILIES, KINDS, OPTIONS, set_levels

MARK = b"POSTERN-CLEAR-TEXT-MARK-"

held = {}
echoes = {}


def family_of(sock):
    return 4 if sock.family == socket.AF_INET else 6


def hold(request):
    """Opens a socket and brings it as far as `to` says: "listen", "bind",
    "connect" to (`peer`, `port`), or nowhere."""
    sock = socket.socket(FAMILIES[request["family"]], KINDS[request["protocol"]])
    set_levels(sock, request["family"], request["levels"])
    held[request["name"]] = sock
    step = request.get("to")
    if step in ("listen", "bind"):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("", request["port"]))
    if step == "listen":
        sock.listen(16)
    if step == "connect":
        sock.settimeout(10)
        sock.connect((request["peer"], request["port"]))
        sock.settimeout(None)
    return {}


def accept(request):
    held[request["listener"]].settimeout(10)
    child, _ = held[request["listener"]].accept()
    child.settimeout(None)
    held[request["name"]] = child
    return {}


def change(request):
    sock = held[request["name"]]
    set_levels(sock, family_of(sock), request["levels"])
    return {}


def levels(_):
    """The levels of every socket, by name."""
    answer = {}
    for name, sock in held.items():
        level = socket.IPPROTO_IP if family_of(sock) == 4 else socket.IPPROTO_IPV6
        answer[name] = {category: sock.getsockopt(level, option)
                        for category, option in OPTIONS.items()}
    return answer


def echo_for_ever(sock):
    while True:
        try:
            if sock.type == socket.SOCK_STREAM:
                sock.sendall(sock.recv(4096))
            else:
                data, peer = sock.recvfrom(4096)
                sock.sendto(data, peer)
        except OSError as error:
            if error.errno not in (errno.ENETUNREACH, errno.EHOSTUNREACH):
                raise
            time.sleep(0.01)


def ask_for_ever(name, sock):
    """Sends the mark and counts its echoes. Datagrams may be lost; the stream
    may only be late."""
    sock.settimeout(0.05 if sock.type == socket.SOCK_DGRAM else None)
    while True:
        try:
            sock.send(MARK)
            missing = len(MARK)
            while missing:
                missing -= len(sock.recv(missing)) or sys.exit(f"{name} ended")
            echoes[name] += 1
        except socket.timeout:
            continue
        except OSError as error:
            if sock.type == socket.SOCK_STREAM:
                echoes[name] = -1
                raise
            if error.errno not in (errno.ENETUNREACH, errno.EHOSTUNREACH,
                                   errno.ECONNREFUSED):
                raise
            time.sleep(0.01)


def in_background(target, *arguments):
    threading.Thread(target=target, args=arguments, daemon=True).start()
    return {}


def echo(request):
    return in_background(echo_for_ever, held[request["name"]])


def ask(request):
    echoes[request["name"]] = 0
    return in_background(ask_for_ever, request["name"], held[request["name"]])


def count(_):
    """How many echoes each asker has seen."""
    return echoes


VERBS = {"hold": hold, "accept": accept, "change": change, "levels": levels,
         "echo": echo, "ask": ask, "count": count}


def main():
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = VERBS[request.pop("verb")](request)
        except OSError as error:
            answer = {"error": errno.errorcode.get(error.errno, str(error))}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
