# SPDX-License-Identifier: Apache-2.0
"""Hosts whose packets different libraries protect, on one wire."""

import subprocess
import unittest

import lab


def table(backend):
    return f'\n[crypto]\nbackend = "{backend}"\n'


def checked(host, backend):
    """What posternd says of a configuration with this backend."""
    host.configure(extra=table(backend))
    return subprocess.run([host.lab.program("posternd"), "--config", host.config, "--check"],
                          capture_output=True, text=True)


class CryptoBackends(unittest.TestCase):
    def two(self, algorithm, backends):
        two = self.enterContext(lab.Lab())
        for host, backend in zip((two.alice, two.bob), backends):
            if checked(host, backend).returncode != 0:
                self.skipTest(f"{backend} is not there")
            host.configure(sas=lab.all_sas(algorithm=algorithm), extra=table(backend))
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

    def understand_each_other(self, algorithm):
        two = self.two(algorithm, ("libcrypto", "ipsec-mb"))
        self.transfer(two)
        for host in (two.alice, two.bob):
            self.assertEqual(host.drops(), {})
            self.assertGreater(host.json("stats")["counts"]["ah_verified"], 10)

    def test_understand_each_other_with_a_combined_mode(self):
        self.understand_each_other("aes-gcm-16")

    def test_understand_each_other_with_cipher_and_mac(self):
        self.understand_each_other("aes-cbc")

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
