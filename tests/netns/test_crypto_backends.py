# SPDX-License-Identifier: Apache-2.0
"""Hosts whose packets different libraries protect, on one wire."""

import subprocess
import unittest

import lab


def table(backend, more=""):
    return f'\n[crypto]\nbackend = "{backend}"\n{more}'


def checked(host, backend, sas=(), more=""):
    """What posternd says of a configuration with this backend."""
    host.configure(sas=sas, extra=table(backend, more))
    return subprocess.run([host.lab.program("posternd"), "--config", host.config, "--check"],
                          capture_output=True, text=True)


class CryptoBackends(unittest.TestCase):
    def two(self, algorithm, backends, more=""):
        two = self.enterContext(lab.Lab())
        for host, backend in zip((two.alice, two.bob), backends):
            if checked(host, backend).returncode != 0:
                self.skipTest(f"{backend} is not there")
            host.configure(sas=lab.all_sas(algorithm=algorithm), extra=table(backend, more))
            host.start()
            self.assertEqual(host.json("status")["crypto"]["backend"], backend)
        return two

    def transfer(self, two):
        """A stream, whose packets come in bursts."""
        levels = {category: "require" for category in lab.CATEGORIES}
        received = two.directory / "received"
        server = two.bob.spawn(
            "sh", "-c", f"exec nc -l -N {two.bob.address(4)} 7000 >{received}", levels=levels)
        lab.wait_until(lambda: two.bob.listening(7000), "nc listens")
        text = "0123456789abcdef" * (1 << 16)
        file = two.directory / "text"
        file.write_text(text)
        with open(file, "rb") as source:
            sent = two.alice.run("nc", "-N", two.bob.address(4), "7000", stdin=source,
                                 levels=levels)
        self.assertEqual(sent.returncode, 0, sent.stderr)
        self.assertEqual(server.wait(timeout=20), 0)
        self.assertEqual(received.read_text(), text)

    def understand_each_other(self, algorithm, more=""):
        two = self.two(algorithm, ("libcrypto", "ipsec-mb"), more)
        self.transfer(two)
        for host in (two.alice, two.bob):
            self.assertEqual(host.drops(), {})
            self.assertGreater(host.json("stats")["counts"]["ah_verified"], 10)

    def test_understand_each_other_with_a_combined_mode(self):
        self.understand_each_other("aes-gcm-16")

    def test_understand_each_other_with_cipher_and_mac(self):
        self.understand_each_other("aes-cbc")

    def test_understand_each_other_with_counter_mode(self):
        self.understand_each_other("aes-ctr")

    def test_understand_each_other_with_chacha20(self):
        self.understand_each_other("chacha20-poly1305")

    def test_understand_each_other_with_a_legacy_cipher_that_is_allowed(self):
        self.understand_each_other("3des-cbc", "legacy = true\n")

    def test_a_legacy_cipher_must_be_allowed(self):  # ALG-07
        with lab.Lab() as two:
            sas = lab.all_sas(algorithm="3des-cbc")
            told = checked(two.alice, "libcrypto", sas)
            self.assertEqual(told.returncode, 3)
            self.assertIn("set legacy = true under [crypto]", told.stderr)
            self.assertEqual(checked(two.alice, "libcrypto", sas, "legacy = true\n").returncode, 0)

    def test_status_tells_what_libcrypto_does_all_the_same(self):
        with lab.Lab() as two:
            if checked(two.alice, "ipsec-mb").returncode != 0:
                self.skipTest("ipsec-mb is not there")
            two.alice.start()
            crypto = two.alice.json("status")["crypto"]
            self.assertIn("aes-ccm-16", crypto["left_to_libcrypto"])
            self.assertNotIn("aes-gcm-16", crypto["left_to_libcrypto"])
            self.assertFalse(crypto["legacy"])

    def test_one_that_does_not_exist_is_a_mistake(self):
        with lab.Lab() as two:
            told = checked(two.alice, "openssl")
            self.assertEqual(told.returncode, 3)
            self.assertIn('crypto.backend: write "auto", "libcrypto" or "ipsec-mb".', told.stderr)

    def test_the_best_one_is_chosen(self):
        with lab.Lab() as two:
            best = "ipsec-mb" if checked(two.alice, "ipsec-mb").returncode == 0 else "libcrypto"
            two.alice.configure()
            two.alice.start()
            crypto = two.alice.json("status")["crypto"]
            self.assertEqual(crypto["backend"], best)
            self.assertIn(crypto["backend"] if best == "ipsec-mb" else "OpenSSL", crypto["library"])
            self.assertIn(best, two.alice.postern("status").stdout)


if __name__ == "__main__":
    unittest.main()
