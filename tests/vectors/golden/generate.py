#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the golden vectors beside this file: ESP and AH packets as two other
implementations make them.

    /usr/bin/python3 tests/vectors/golden/generate.py

One is scapy (2.5.0), the other is the few lines below on python3-cryptography.
They must agree on every octet, or nothing is written. Where scapy is known to
be wrong it is not asked: it leaves the ESN out of a separate ICV of ESP, and
knows no tags of AES-GCM but 16 octets, no implicit IVs, no GMAC, no Camellia and
no AES-XCBC; these are made by the definition in their RFC alone.

    packets.json  ipsec-vec/packet/1: a few lengths of most layouts, in full
    sweep.json    postern-vec/sweep/1: every length, four octets of
                  HMAC-SHA-256 (key: 32 zero octets) over each packet

The outer IPv4 identification is what Postern chooses (core/net/identifications.h);
so AH tunnels can be compared on the way out too. Everything is
derived from the case's name: a second run writes the same files.
"""
import hashlib
import hmac
import json
import logging
import pathlib
import struct
import warnings

warnings.filterwarnings("ignore")
logging.getLogger("scapy.runtime").setLevel(logging.ERROR)

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives import cmac
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.ipsec import AH, ESP, SecurityAssociation

HERE = pathlib.Path(__file__).parent
PROTOCOL = 253  # "use for experimentation": nobody looks inside
TTL = 64
RANGES = [[0, 300], [1400, 1500]]
FULL = [0, 1, 13, 255]  # lengths of which packets.json has the whole packet

# Name: function or what else makes the MAC, key octets, ICV octets, scapy's name.
HASHES = {"hmac-sha1-96": (hashlib.sha1, 20, 12, "HMAC-SHA1-96"),
          "hmac-sha2-256-128": (hashlib.sha256, 32, 16, "SHA2-256-128"),
          "hmac-sha2-384-192": (hashlib.sha384, 48, 24, "SHA2-384-192"),
          "hmac-sha2-512-256": (hashlib.sha512, 64, 32, "SHA2-512-256"),
          "hmac-md5-96": (hashlib.md5, 16, 12, "HMAC-MD5-96"),
          "aes-cmac-96": ("cmac", 16, 12, "AES-CMAC-96"),
          "aes-xcbc-96": ("xcbc", 16, 12, None)}
# Encryption: key sizes, salt, IV, ICV, block, scapy's name.
CIPHERS = {"null": ([0], 0, 0, 0, 4, "NULL"),
           "aes-cbc": ([16, 24, 32], 0, 16, 0, 16, "AES-CBC"),
           "camellia-cbc": ([16, 24, 32], 0, 16, 0, 16, None),
           "3des-cbc": ([24], 0, 8, 0, 8, "3DES"),
           "des-cbc": ([8], 0, 8, 0, 8, "DES"),
           "aes-ctr": ([16, 24, 32], 4, 8, 0, 4, "AES-CTR"),
           "aes-gcm": ([16, 24, 32], 4, 8, 16, 4, "AES-GCM"),
           "aes-ccm": ([16, 24, 32], 3, 8, 16, 4, "AES-CCM"),
           "chacha20-poly1305": ([32], 4, 8, 16, 4, "CHACHA20-POLY1305"),
           "null-auth-aes-gmac": ([16, 24, 32], 4, 8, 16, 4, None)}
GMAC_IV = 8
ENDS = {4: ("192.0.2.10", "198.51.100.20"), 6: ("2001:db8:1::10", "2001:db8:2::20")}
OUTER = {4: ("203.0.113.1", "203.0.113.2"), 6: ("2001:db8:f::1", "2001:db8:f::2")}

# Encryption, key octets, integrity, and options: "icv" octets, "iiv" (implicit
# IV). Without key octets each layout takes the next of the algorithm's sizes.
ESP_SUITES = [("aes-gcm", 16, "none", {}), ("aes-gcm", 24, "none", {}), ("aes-gcm", 32, "none", {}),
              ("aes-cbc", 16, "hmac-sha1-96", {}), ("aes-cbc", 24, "hmac-sha2-256-128", {}),
              ("aes-cbc", 32, "hmac-sha2-256-128", {}),
              ("null", 0, "hmac-sha1-96", {}), ("null", 0, "hmac-sha2-256-128", {})]
MORE_ESP_SUITES = [("aes-gcm", None, "none", {"icv": 12}), ("aes-gcm", None, "none", {"icv": 8}),
                   ("aes-gcm", None, "none", {"iiv": True}),
                   ("aes-ccm", None, "none", {"icv": 16}), ("aes-ccm", None, "none", {"icv": 12}),
                   ("aes-ccm", None, "none", {"icv": 8}), ("aes-ccm", None, "none", {"icv": 8, "iiv": True}),
                   ("chacha20-poly1305", 32, "none", {}), ("chacha20-poly1305", 32, "none", {"iiv": True}),
                   ("null-auth-aes-gmac", None, "none", {}),
                   ("aes-ctr", None, "hmac-sha2-256-128", {}),
                   ("camellia-cbc", None, "hmac-sha2-256-128", {}),
                   ("3des-cbc", 24, "hmac-sha1-96", {}), ("des-cbc", 8, "hmac-md5-96", {}),
                   ("aes-cbc", None, "hmac-sha2-384-192", {}), ("aes-cbc", None, "hmac-sha2-512-256", {}),
                   ("aes-cbc", None, "aes-cmac-96", {}), ("aes-cbc", None, "aes-xcbc-96", {}),
                   ("null", 0, "hmac-md5-96", {})]
AH_SUITES = ["hmac-sha1-96", "hmac-sha2-256-128"]
MORE_AH_SUITES = ["hmac-sha2-384-192", "hmac-sha2-512-256", "hmac-md5-96", "aes-cmac-96", "aes-xcbc-96", "aes-gmac"]
LAYOUTS = [("transport", 4, None), ("transport", 6, None), ("tunnel", 4, 4),
           ("tunnel", 6, 6), ("tunnel", 4, 6), ("tunnel", 6, 4)]


def octets(label, count):
    """`count` octets that depend on nothing but the label."""
    return hashlib.shake_128(label.encode()).digest(count)


def address(family, text):
    import socket
    return socket.inet_pton(socket.AF_INET if family == 4 else socket.AF_INET6, text)


def checksum(header):
    total = sum(struct.unpack(f"!{len(header) // 2}H", header))
    total = (total & 0xffff) + (total >> 16)
    total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ip_header(family, ends, protocol, size, tos, identification, dont_fragment, hops):
    """An IP header without options for `size` octets behind it."""
    source, destination = (address(family, end) for end in ends)
    if family == 6:
        return struct.pack("!IHBB", 6 << 28 | tos << 20, size, protocol, hops) + source + destination
    header = struct.pack("!BBHHHBBH", 0x45, tos, 20 + size, identification,
                         0x4000 if dont_fragment else 0, hops, protocol, 0)
    header += source + destination
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:]


def plain_packet(family, length):
    """The packet with `length` octets of payload that sweep_vectors.cc makes."""
    payload = bytes((7 * i + length) & 0xff for i in range(length))
    return ip_header(family, ENDS[family], PROTOCOL, length, 0x28, 0x1111, length % 2 == 1, TTL) + payload


def aes_block(key, block):
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return encryptor.update(block) + encryptor.finalize()


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def xcbc(key, data):
    """RFC 3566 4."""
    first, whole, padded = (aes_block(key, bytes([number]) * 16) for number in (1, 2, 3))
    last = len(data) - ((len(data) - 1) % 16 + 1) if data else 0
    chain = bytes(16)
    for at in range(0, last, 16):
        chain = aes_block(first, xor(chain, data[at:at + 16]))
    end, subkey = data[last:], whole
    if len(end) < 16:
        end, subkey = end + b"\x80" + bytes(15 - len(end)), padded
    return aes_block(first, xor(xor(chain, end), subkey))


def icv_of(case, data):
    function, _, size, _ = HASHES[case["auth"]]
    if function == "xcbc":
        return xcbc(case["auth_key"], data)[:size]
    if function == "cmac":
        mac = cmac.CMAC(algorithms.AES(case["auth_key"]))
        mac.update(data)
        return mac.finalize()[:size]
    return hmac.new(case["auth_key"], data, function).digest()[:size]


def ah_field_size(case):
    """Octets of an AH's ICV field: GMAC has its IV in it (RFC 4543 4)."""
    return GMAC_IV + 16 if case["auth"] == "aes-gmac" else HASHES[case["auth"]][2]


def high_half(case):
    return struct.pack("!I", case["seq_hi"]) if case["esn"] else b""


def esp_of(case, seq, iv, payload, next_header):
    block = CIPHERS[case["enc"]][4]
    pad = -(len(payload) + 2) % block
    clear = payload + bytes(range(1, pad + 1)) + bytes([pad, next_header])
    start = struct.pack("!II", case["spi"], seq)
    aad = start[:4] + high_half(case) + start[4:]
    if case["iiv"]:  # RFC 8750 4: all 64 bits, the upper 32 zero without ESN
        nonce, iv = case["salt"] + struct.pack("!II", case["seq_hi"], seq), b""
    else:
        nonce = case["salt"] + iv
    if case["enc"] == "aes-gcm":
        sealed = AESGCM(case["key"]).encrypt(nonce, clear, aad)
        return start + iv + sealed[:len(sealed) - 16 + case["icv"]]
    if case["enc"] == "aes-ccm":
        return start + iv + AESCCM(case["key"], tag_length=case["icv"]).encrypt(nonce, clear, aad)
    if case["enc"] == "chacha20-poly1305":
        return start + iv + ChaCha20Poly1305(case["key"]).encrypt(nonce, clear, aad)
    if case["enc"] == "null-auth-aes-gmac":
        return start + iv + clear + AESGCM(case["key"]).encrypt(nonce, b"", aad + iv + clear)
    encryptor = {"aes-cbc": lambda: Cipher(algorithms.AES(case["key"]), modes.CBC(iv)),
                 "camellia-cbc": lambda: Cipher(algorithms.Camellia(case["key"]), modes.CBC(iv)),
                 "3des-cbc": lambda: Cipher(algorithms.TripleDES(case["key"]), modes.CBC(iv)),
                 "des-cbc": lambda: Cipher(algorithms.TripleDES(case["key"]), modes.CBC(iv)),
                 "aes-ctr": lambda: Cipher(algorithms.AES(case["key"]), modes.CTR(nonce + struct.pack("!I", 1))),
                 "null": lambda: None}[case["enc"]]()
    if encryptor:
        encryptor = encryptor.encryptor()
        clear = encryptor.update(clear) + encryptor.finalize()
    body = start + iv + clear
    return body + icv_of(case, body + high_half(case))


def zeroed(header):
    """The IP header as AH covers it (RFC 4302 3.3.3.1), without options."""
    if header[0] >> 4 == 4:
        return header[:1] + b"\0" + header[2:6] + b"\0\0\0" + header[9:10] + b"\0\0" + header[12:]
    return b"\x60\0\0\0" + header[4:7] + b"\0" + header[8:]


def ah_of(case, seq, header, rest, next_header):
    icv_size = ah_field_size(case)
    size = 12 + icv_size
    if header[0] >> 4 == 6:
        size += -size % 8
    fixed = struct.pack("!BBHII", next_header, size // 4 - 2, 0, case["spi"], seq)
    padding = bytes(size - 12 - icv_size)
    if case["auth"] == "aes-gmac":  # the IV is Postern's: the number
        iv = struct.pack("!II", case["seq_hi"], seq)
        covered = zeroed(header) + fixed + iv + bytes(16) + padding + rest + high_half(case)
        return fixed + iv + AESGCM(case["auth_key"]).encrypt(case["auth_salt"] + iv, b"", covered) + padding
    icv = icv_of(case, zeroed(header) + fixed + bytes(icv_size) + padding + rest + high_half(case))
    return fixed + icv + padding


def own_packet(case, seq, iv, plain):
    inner = case["inner_af"]
    lead, protocol = (40 if inner == 6 else 20), PROTOCOL
    number = 50 if case["proto"] == "esp" else 51
    if case["mode"] == "tunnel":
        family, ends, hops = case["outer_af"], OUTER[case["outer_af"]], TTL
        payload, protocol = plain, (4 if inner == 4 else 41)
    else:
        family, ends, hops = inner, ENDS[inner], TTL
        payload = plain[lead:]
    identification, dont_fragment = outer_choices(case, seq, plain)

    def header_for(size):
        return ip_header(family, ends, number, size, 0x28, identification, dont_fragment, hops)

    if case["proto"] == "esp":
        esp = esp_of(case, seq, iv, payload, protocol)
        return header_for(len(esp)) + esp
    icv_size = ah_field_size(case)
    size = 12 + icv_size + (-(12 + icv_size) % 8 if family == 6 else 0)
    header = header_for(size + len(payload))
    return header + ah_of(case, seq, header, payload, protocol) + payload


def tunnel_id(spi, seq):
    """A start and an odd step, of the SPI by MurmurHash3's finalizer."""
    spi = (spi ^ spi >> 16) * 0x85ebca6b & 0xffffffff
    spi = (spi ^ spi >> 13) * 0xc2b2ae35 & 0xffffffff
    spi ^= spi >> 16
    return (spi & 0xffff) + (spi >> 16 | 1) * seq & 0xffff


def outer_choices(case, seq, plain):
    """Identification and DF of the packet's own (transport) or outer header."""
    if case["mode"] == "transport":
        return 0x1111, plain[0] >> 4 == 4 and plain[6] & 0x40 != 0
    return tunnel_id(case["spi"], seq), case["inner_af"] == 4 and plain[6] & 0x40 != 0


def scapy_packet(case, seq, iv, plain):
    """The same by scapy; None where scapy is wrong."""
    if case["proto"] == "esp" and (case["esn"] and case["auth"] != "none" or case["iiv"] or
                                   not CIPHERS[case["enc"]][5] or case["enc"] == "aes-gcm" and case["icv"] != 16):
        return None
    if case["auth"] == "aes-gmac" or case["auth"] != "none" and not HASHES[case["auth"]][3]:
        return None
    arguments = {"spi": case["spi"]}
    if case["proto"] == "esp":
        arguments["crypt_algo"] = CIPHERS[case["enc"]][5]
        arguments["crypt_key"] = case["key"] + case["salt"]
        if case["enc"] == "aes-ccm":
            arguments["crypt_icv_size"] = case["icv"]
    if case["auth"] != "none":
        arguments["auth_algo"] = HASHES[case["auth"]][3]
        arguments["auth_key"] = case["auth_key"]
    if case["mode"] == "tunnel":
        identification, dont_fragment = outer_choices(case, seq, plain)
        source, destination = OUTER[case["outer_af"]]
        if case["outer_af"] == 4:
            arguments["tunnel_header"] = IP(src=source, dst=destination, tos=0x28, ttl=TTL, id=identification,
                                            flags="DF" if dont_fragment else 0)
        else:
            arguments["tunnel_header"] = IPv6(src=source, dst=destination, tc=0x28, hlim=TTL)
    sa = SecurityAssociation(ESP if case["proto"] == "esp" else AH, **arguments)
    packet = (IP if case["inner_af"] == 4 else IPv6)(plain)
    options = {"seq_num": seq, "esn_en": case["esn"], "esn": case["seq_hi"]}
    if case["proto"] == "esp":
        options["iv"] = iv
    return bytes(sa.encrypt(packet, **options))


def iv_of(case, seq):
    """Postern's own rule for counters; for CBC, anything that sweep_vectors.cc can make too."""
    size = CIPHERS[case["enc"]][2] if case["enc"] and not case["iiv"] else 0
    if size == 8 and CIPHERS[case["enc"]][4] == 4:
        return struct.pack("!Q", case["seq_hi"] << 32 | seq)
    return bytes((seq * (2 * i + 1) + i) & 0xff for i in range(size))


def make(case, seq, length):
    plain, iv = plain_packet(case["inner_af"], length), iv_of(case, seq)
    own, theirs = own_packet(case, seq, iv, plain), scapy_packet(case, seq, iv, plain)
    if theirs is not None and own != theirs:
        raise SystemExit(f"{case['id']}, length {length}:\n  own   {own.hex()}\n  scapy {theirs.hex()}")
    return plain, iv, own, ["ref"] if theirs is None else ["scapy", "ref"]


def sa_of(case, seq, iv, plain):
    sa = {"proto": case["proto"], "mode": case["mode"], "spi": f"0x{case['spi']:08x}", "seq": seq, "esn": case["esn"]}
    if case["esn"]:
        sa["seq_hi"] = case["seq_hi"]
    if case["proto"] == "esp":
        sa["enc"] = {"alg": case["enc"], "key": case["key"].hex(), "salt": case["salt"].hex(), "iv": iv.hex()}
        if case["icv"] or case["iiv"]:
            sa["enc"].update({"icv_len": case["icv"], "implicit_iv": case["iiv"]})
    sa["auth"] = {"alg": case["auth"], "key": case["auth_key"].hex()}
    if case["auth_salt"]:
        sa["auth"]["salt"] = case["auth_salt"].hex()
    if case["mode"] == "tunnel":
        source, destination = OUTER[case["outer_af"]]
        identification, dont_fragment = outer_choices(case, seq, plain)
        over_ipv4 = case["outer_af"] == 4
        sa["tunnel"] = {"outer_af": case["outer_af"], "src": source, "dst": destination, "dscp_ecn": 0x28,
                        "ttl": TTL, "ip_id": identification if over_ipv4 else 0,
                        "df": dont_fragment and over_ipv4, "flow_label": 0}
    return sa


def suites():
    """Protocol, encryption, key octets, integrity, options, and whether packets.json has every layout."""
    yield from (("esp", *suite, True) for suite in ESP_SUITES)
    yield from (("ah", "", 0, auth, {}, True) for auth in AH_SUITES)
    yield from (("esp", *suite, False) for suite in MORE_ESP_SUITES)
    yield from (("ah", "", None if auth == "aes-gmac" else 0, auth, {}, False) for auth in MORE_AH_SUITES)


def cases():
    for proto, enc, fixed_size, auth, options, everywhere in suites():
        sizes, salt, _, icv, _, _ = CIPHERS["aes-gcm" if auth == "aes-gmac" else enc or "null"]
        for index, (mode, inner, outer) in enumerate(LAYOUTS):
            size = fixed_size if fixed_size is not None else sizes[index % len(sizes)]
            for esn in (False, True):
                name = f"{proto}-{mode}-v{inner}" + (f"in{outer}" if outer else "")
                name += f"-{enc}{8 * size or ''}" if enc else ""
                name += "".join(f"-{key}{value if key == 'icv' else ''}" for key, value in options.items())
                name += ("" if auth == "none" else f"-{auth}") + (f"{8 * size}" if auth == "aes-gmac" else "")
                name += "-esn" if esn else ""
                spi = 256 + int.from_bytes(octets(f"{name} spi", 3), "big")
                gmac = auth == "aes-gmac"
                yield {"id": name, "proto": proto, "mode": mode, "inner_af": inner, "outer_af": outer or inner,
                       "enc": enc, "auth": auth, "esn": esn, "spi": spi, "iiv": options.get("iiv", False),
                       "icv": options.get("icv", icv) if enc else 0,
                       "in_full": not esn and (everywhere or (mode, inner, outer) in (LAYOUTS[0], LAYOUTS[3])),
                       "seq_hi": int.from_bytes(octets(f"{name} high", 2), "big") if esn else 0,
                       "key": octets(f"{name} key", 0 if gmac else size),
                       "salt": octets(f"{name} salt", salt if enc else 0),
                       "auth_key": octets(f"{name} auth",
                                          size if gmac else HASHES[auth][1] if auth != "none" else 0),
                       "auth_salt": octets(f"{name} auth salt", 4 if gmac else 0)}


def first_seq(case):
    return 1 + int.from_bytes(octets(f"{case['id']} seq", 3), "big")


def packets(case):
    for length in FULL:
        seq = first_seq(case) + length
        plain, iv, protected, generators = make(case, seq, length)
        yield {"id": f"{case['id']}-{length}", "proto": case["proto"], "mode": case["mode"],
               "inner_af": case["inner_af"], "outer_af": case["outer_af"], "sa": sa_of(case, seq, iv, plain),
               "plain": plain.hex(), "protected": protected.hex(), "generators": generators,
               "directions": ["out", "in"]}


def sweep(case):
    digests, generators = "", None
    for first, last in RANGES:
        for length in range(first, last + 1):
            seq = first_seq(case) + length
            _, _, protected, generators = make(case, seq, length)
            digests += hmac.new(bytes(32), protected, hashlib.sha256).hexdigest()[:8]
    sa = sa_of(case, first_seq(case), b"", plain_packet(case["inner_af"], 0))
    for chosen in ("ip_id", "df"):  # each packet has its own
        sa.get("tunnel", {}).pop(chosen, None)
    return {"id": case["id"], "inner_af": case["inner_af"], "sa": sa, "lengths": RANGES, "digests": digests,
            "generators": generators}


def write(name, head, rows):
    lines = ",\n".join(json.dumps(row) for row in rows)
    head = json.dumps({**head, "count": len(rows)})[:-1]
    (HERE / name).write_text(f'{head}, "cases": [\n{lines}\n]}}\n')


def main():
    source = "tests/vectors/golden/generate.py"
    # Full packets without ESN only: the sweep has both.
    write("packets.json", {"format": "ipsec-vec/packet/1", "source": source},
          [packet for case in cases() if case["in_full"] for packet in packets(case)])
    write("sweep.json", {"format": "postern-vec/sweep/1", "source": source}, [sweep(case) for case in cases()])


if __name__ == "__main__":
    main()
