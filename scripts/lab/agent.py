# SPDX-License-Identifier: Apache-2.0
"""A program in a virtual host that opens sockets on request.

Reads one JSON request a line and answers with one JSON object a line. It is an
ordinary Python program: its setsockopt() calls reach Postern because
`postern exec` preloads libpostern.
"""

import ctypes
import errno
import json
import os
import socket
import struct
import sys
import threading

# <postern/ipsec.h>
OPTIONS = {"ah": 0x49500001, "esp_transport": 0x49500002, "esp_network": 0x49500003}
LEVELS = {"bypass": -1, "none": 0, "avail": 1, "use": 2, "require": 3, "unique": 4}
FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}

LIBRARY = ctypes.CDLL(None, use_errno=True)
CERTIFICATES = ("none", "prefix", "fqdn", "user_fqdn", "x509_dn", "key_id")

sockets = {}
peers = []


class Certificate(ctypes.Structure):
    """certificate_info_t."""

    _fields_ = [("type", ctypes.c_int), ("text", ctypes.c_char * 256)]

    def __str__(self):
        return f"{CERTIFICATES[self.type]}:{self.text.decode()}"


class CategoryStatus(ctypes.Structure):
    """struct ipsec_category_status."""

    _fields_ = [("level", ctypes.c_int), ("spi_out", ctypes.c_uint32),
                ("spi_in", ctypes.c_uint32), ("key_bits", ctypes.c_uint),
                ("algorithms", ctypes.c_char * 64), ("peer", Certificate)]


def call(name, *arguments):
    """A call of libpostern's own."""
    if getattr(LIBRARY, name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), name)


def set_wishes(sock, wishes):
    """{"setpeercert": "fqdn:b.example", "ipsec_set_strength": 256, ...}"""
    for name, value in wishes.items():
        if name in ("setmycert", "setpeercert"):
            kind, text = value.split(":", 1)
            value = ctypes.byref(Certificate(CERTIFICATES.index(kind), text.encode()))
        elif isinstance(value, str):
            value = value.encode()
        call(name, sock.fileno(), value)


def peer_of(sock):
    """getpeercert() as "type:text", or the name of its error."""
    told = Certificate()
    try:
        call("getpeercert", sock.fileno(), ctypes.byref(told))
    except OSError as error:
        return errno.errorcode[error.errno]
    return str(told)


def status_of(sock, family):
    """IP_IPSEC_STATUS by category."""
    level, name = ((socket.IPPROTO_IP, 0x49500010) if family == 4
                   else (socket.IPPROTO_IPV6, 0x49500110))
    octets = sock.getsockopt(level, name, 3 * ctypes.sizeof(CategoryStatus))
    answer = {}
    for i, category in enumerate(("esp_transport", "ah", "esp_network")):
        one = CategoryStatus.from_buffer_copy(octets, i * ctypes.sizeof(CategoryStatus))
        answer[category] = {"level": one.level, "spi_out": one.spi_out, "spi_in": one.spi_in,
                            "key_bits": one.key_bits, "algorithms": one.algorithms.decode(),
                            "peer": str(one.peer)}
    return answer


def open_socket(request):
    family = request["family"]
    sock = socket.socket(FAMILIES[family], KINDS[request["protocol"]])
    sock.settimeout(request.get("timeout", 5.0))
    set_levels(sock, family, request.get("levels", {}))
    set_wishes(sock, request.get("wishes", {}))
    return sock


def set_levels(sock, family, levels):
    level = socket.IPPROTO_IP if family == 4 else socket.IPPROTO_IPV6
    for category, name in levels.items():
        sock.setsockopt(level, OPTIONS[category], LEVELS[name])


def echo_stream(listener):
    while True:
        try:
            child, _ = listener.accept()
        except socket.timeout:
            continue
        except OSError:
            return
        peers.append(peer_of(child))
        threading.Thread(target=echo_child, args=(child,), daemon=True).start()


def echo_child(child):
    child.settimeout(30)
    try:
        while data := child.recv(65536):
            child.sendall(data)
    except OSError:
        pass
    finally:
        child.close()


def echo_datagrams(sock):
    while True:
        try:
            data, peer = sock.recvfrom(65536)
            sock.sendto(data, peer)
        except socket.timeout:
            continue
        except OSError as error:
            if error.errno == errno.EBADF:
                return


def serve(request):
    """Opens an echo server; answers with its port and a handle."""
    sock = open_socket(request)
    sock.bind(("", request.get("port", 0)))
    if request["protocol"] == "tcp":
        sock.listen(16)
        target = echo_stream
    else:
        target = echo_datagrams
    threading.Thread(target=target, args=(sock,), daemon=True).start()
    port = sock.getsockname()[1]
    sockets[port] = sock
    return {"port": port}


def talk(request):
    """Sends `octets` octets and waits for their echo: "ok" or an error name."""
    sock = open_socket(request)
    data = bytes(i % 251 for i in range(request.get("octets", 20)))
    answer = {}
    try:
        if request.get("local_port"):
            sock.bind((request.get("local_address", ""), request["local_port"]))
        elif request.get("local_address"):
            sock.bind((request["local_address"], 0))
        sock.connect((request["to"], request["port"]))
        answer["local_port"] = sock.getsockname()[1]
        sock.sendall(data)
        echoed = b""
        while len(echoed) < len(data):
            more = sock.recv(65536)
            if not more:
                break
            echoed += more
        answer["result"] = "ok" if echoed == data else "garbled"
        if request.get("tell"):
            answer["peer"] = peer_of(sock)
            answer["status"] = status_of(sock, family=request["family"])
    except socket.timeout:
        answer["result"] = "timeout"
    except OSError as error:
        answer["result"] = errno.errorcode.get(error.errno, str(error))
    finally:
        answer.setdefault("local_port", sock.getsockname()[1])
        if request.get("reset"):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            struct.pack("ii", 1, 0))
        sock.close()
    return answer


def change(request):
    set_levels(sockets[request["port"]], request["family"], request["levels"])
    return {}


def read_levels(request):
    sock = sockets[request["port"]]
    level = socket.IPPROTO_IP if request["family"] == 4 else socket.IPPROTO_IPV6
    return {name: sock.getsockopt(level, number) for name, number in OPTIONS.items()}


def peers_so_far(_request):
    """Whom accept() returned: getpeercert() of each child."""
    return {"peers": peers}


def become(request):
    """Gives up root for good: the user and the groups of the request."""
    os.setgroups(request.get("groups", []))
    os.setresgid(request["user"], request["user"], request["user"])
    os.setresuid(request["user"], request["user"], request["user"])
    return {}


VERBS = {"become": become, "peers": peers_so_far, "serve": serve, "talk": talk, "change": change, "levels": read_levels}


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
