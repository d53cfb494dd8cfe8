# SPDX-License-Identifier: Apache-2.0
"""Which algorithms are tried, by both sides' names. Data: a new one is a new line.

Which of them Postern and the guest's kernel have is asked when the test runs.
"""

import dataclasses
import hashlib


@dataclasses.dataclass(frozen=True)
class Algorithm:
    ours: str        # the name that `postern sa add` takes
    linux: str       # what `ip xfrm state add` takes; "{key}" is replaced. "": it has none
    key: int         # octets of key, with the salt or nonce behind it
    salt: int = 0    # of these
    must: bool = False  # a build without it has a defect
    tshark: str = ""  # tshark's name, where it decrypts it and checks its proof
    scapy: str = ""   # scapy's name, where it has it right

    @property
    def name(self):
        """With the strength where there are several: "aes-cbc 192"."""
        bits = 8 * (self.key - self.salt)
        return f"{self.ours} {bits}" if self.key and self.linux != "" else self.ours


def key_of(purpose, octets):
    """The same key each time, another for each purpose."""
    return "0x" + hashlib.shake_256(purpose.encode()).hexdigest(octets) if octets else ""


@dataclasses.dataclass(frozen=True)
class Suite:
    encryption: Algorithm | None  # None: AH
    integrity: Algorithm | None   # None: the encryption has its own

    @property
    def name(self):
        return " + ".join(a.name for a in (self.encryption, self.integrity) if a)

    @property
    def algorithms(self):
        return [a for a in (self.encryption, self.integrity) if a]


def _by_key(ours, linux, salt=0, keys=(16, 24, 32), **more):
    return [Algorithm(ours, linux, key + salt, salt, **more) for key in keys]


NULL = Algorithm("null", 'enc ecb(cipher_null) ""', 0, must=True, tshark="NULL", scapy="NULL")
AES_CBC = _by_key("aes-cbc", "enc cbc(aes) {key}", must=True, tshark="AES-CBC [RFC3602]",
                  scapy="AES-CBC")
SHA1 = Algorithm("hmac-sha1-96", "auth-trunc hmac(sha1) {key} 96", 20, must=True,
                 tshark="HMAC-SHA-1-96 [RFC2404]", scapy="HMAC-SHA1-96")
SHA256 = Algorithm("hmac-sha2-256-128", "auth-trunc hmac(sha256) {key} 128", 32, must=True,
                   tshark="HMAC-SHA-256-128 [RFC4868]", scapy="SHA2-256-128")

INTEGRITY = [
    SHA1,
    SHA256,
    Algorithm("hmac-sha2-384-192", "auth-trunc hmac(sha384) {key} 192", 48,
              tshark="HMAC-SHA-384-192 [RFC4868]", scapy="SHA2-384-192"),
    Algorithm("hmac-sha2-512-256", "auth-trunc hmac(sha512) {key} 256", 64,
              tshark="HMAC-SHA-512-256 [RFC4868]", scapy="SHA2-512-256"),
    Algorithm("aes-cmac-96", "auth-trunc cmac(aes) {key} 96", 16, scapy="AES-CMAC-96"),
    Algorithm("aes-xcbc-96", "auth-trunc xcbc(aes) {key} 96", 16),
    Algorithm("hmac-md5-96", "auth-trunc hmac(md5) {key} 96", 16, scapy="HMAC-MD5-96"),
]

# Need an integrity algorithm beside them.
CIPHERS = [
    NULL,
    *AES_CBC,
    *_by_key("aes-ctr", "enc rfc3686(ctr(aes)) {key}", 4, tshark="AES-CTR [RFC3686]", scapy="AES-CTR"),
    *_by_key("camellia-cbc", "enc cbc(camellia) {key}"),
    Algorithm("3des-cbc", "enc cbc(des3_ede) {key}", 24, scapy="3DES"),
    Algorithm("des-cbc", "enc cbc(des) {key}", 8, scapy="DES"),
]

COMBINED = [
    *_by_key("aes-gcm-16", "aead rfc4106(gcm(aes)) {key} 128", 4, must=True,
             tshark="AES-GCM with 16 octet ICV [RFC4106]", scapy="AES-GCM"),
    *_by_key("aes-gcm-12", "aead rfc4106(gcm(aes)) {key} 96", 4),
    *_by_key("aes-gcm-8", "aead rfc4106(gcm(aes)) {key} 64", 4),
    *_by_key("aes-ccm-16", "aead rfc4309(ccm(aes)) {key} 128", 3, scapy="AES-CCM"),
    *_by_key("aes-ccm-12", "aead rfc4309(ccm(aes)) {key} 96", 3),
    *_by_key("aes-ccm-8", "aead rfc4309(ccm(aes)) {key} 64", 3),
    Algorithm("chacha20-poly1305", "aead rfc7539esp(chacha20,poly1305) {key} 128", 36, 4,
              scapy="CHACHA20-POLY1305"),
    *_by_key("null-auth-aes-gmac", "aead rfc4543(gcm(aes)) {key} 128", 4),
    # Linux has no implicit IVs (RFC 8750) and no GMAC for AH.
    *_by_key("aes-gcm-16-iiv", "", 4, keys=(16,)),
    *_by_key("aes-ccm-8-iiv", "", 3, keys=(16,)),
    Algorithm("chacha20-poly1305-iiv", "", 36, 4),
]
AH_ONLY = [Algorithm(f"aes-{8 * key}-gmac", "", key + 4, 4) for key in (16, 24, 32)]

# Every cipher with one integrity algorithm, every integrity algorithm with one cipher.
ESP = [
    *(Suite(cipher, None) for cipher in COMBINED),
    *(Suite(cipher, SHA256) for cipher in CIPHERS),
    *(Suite(AES_CBC[0], one) for one in INTEGRITY if one != SHA256),
]
AH = [Suite(None, one) for one in (*INTEGRITY, *AH_ONLY)]

# What each protocol is tried with beside one variant of every suite.
BASIC = {AES_CBC[0], COMBINED[0], SHA256}
