# SPDX-License-Identifier: Apache-2.0
"""The manual pages are well formed and leave nothing of <postern/ipsec.h> out."""

import pathlib
import re
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs" / "man").glob("*.[1-8]"))
HEADER = (ROOT / "sockapi" / "include" / "postern" / "ipsec.h").read_text()
FUNCTIONS = re.findall(r"^int (\w+)\(", HEADER, re.MULTILINE)
# Names for programs; sizes are written where their fields are.
CONSTANTS = re.findall(r"^#define ((?:IP|IPV6|IPSEC|CERTIFICATE)_\w+)", HEADER, re.MULTILINE)


def is_link(page):
    return ".so man" in page.read_text()


class ManPages(unittest.TestCase):
    def test_there_is_something_to_look_for(self):
        self.assertEqual(len(FUNCTIONS), 7)
        self.assertGreater(len(CONSTANTS), 20)
        self.assertGreater(len(PAGES), 5)

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_groff_has_nothing_to_say(self):
        for page in (p for p in PAGES if not is_link(p)):
            run = subprocess.run(
                ["groff", "-mandoc", "-ww", "-Tutf8", "-z", str(page)],
                capture_output=True, text=True, check=False)
            self.assertEqual((run.returncode, run.stderr), (0, ""), page.name)

    def test_every_call_and_option_is_named(self):
        # \- is roff's minus sign.
        text = "\n".join(p.read_text().replace("\\-", "-") for p in PAGES if not is_link(p))
        for name in FUNCTIONS + CONSTANTS:
            self.assertRegex(text, rf"\b{name}\b")

    def test_what_weakens_security_is_told(self):
        """API-40 API-41: the draft's section 5 demands it."""
        page = (ROOT / "docs" / "man" / "ipsec_levels.7").read_text()
        told = page.split(".SH SECURITY CONSIDERATIONS\n")[1].split(".SH SEE ALSO")[0]
        for weakness in ("USE", "AVAIL", "Changes in mid-session", "BYPASS", "The library",
                         "Loopback"):
            self.assertIn(f".TP\n{weakness}\n", told)

    def test_every_call_has_a_page(self):
        for name in FUNCTIONS:
            link = ROOT / "docs" / "man" / f"{name}.3"
            self.assertIn(".so man3/postern_ipsec.3\n", link.read_text())
        self.assertTrue((ROOT / "docs" / "man" / "postern_ipsec.3").is_file())

    def test_pages_refer_to_pages_that_exist(self):
        ours = {p.name for p in PAGES}
        for page in PAGES:
            for name, section in re.findall(
                    r"^\.BR (postern\S*|ipsec_\S+) \((\d)\)", page.read_text(), re.MULTILINE):
                self.assertIn(f"{name}.{section}", ours, page.name)


if __name__ == "__main__":
    unittest.main()
