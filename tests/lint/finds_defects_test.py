#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The lint scripts find what they are there to find.

Each test makes a small tree in a temporary folder that is right, sees it pass,
breaks one rule and sees the finding.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
SPDX = "// SPDX-License-Identifier: Apache-2.0\n"

CMAKE = """# SPDX-License-Identifier: Apache-2.0
layer(core     PRIVATE OpenSSL::Crypto spdlog::spdlog)
layer(esp      DEPENDS core)
layer(sadb     DEPENDS core esp
  PUBLIC postern_urcu)
layer(pipeline DEPENDS core esp sadb)
"""

NUMBER_H = SPDX + """
#ifndef POSTERN_CORE_NUMBER_H_
#define POSTERN_CORE_NUMBER_H_

#include <cstdint>

namespace postern {

inline std::uint32_t Twice(std::uint32_t number) {
  return 2 * number;
}

}  // namespace postern

#endif  // POSTERN_CORE_NUMBER_H_
"""

SEALER_CC = SPDX + """
#include <cstdint>

#include "core/number.h"

namespace postern::esp {

std::uint32_t Four() {
  return Twice(2);
}

}  // namespace postern::esp
"""


class LintTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="postern-lint."))
        self.addCleanup(shutil.rmtree, self.root)
        shutil.copytree(TOP / "scripts", self.root / "scripts")
        shutil.copy(TOP / ".clang-format", self.root)
        self.write("CMakeLists.txt", CMAKE)
        self.write("core/number.h", NUMBER_H)
        self.write("core/number.cc", SPDX + '\n#include "core/number.h"\n')
        self.write("esp/sealer.cc", SEALER_CC)

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def append(self, path, text):
        self.write(path, (self.root / path).read_text() + text)

    def run_script(self, *words):
        answer = subprocess.run(
            [str(self.root / "scripts" / words[0]), *words[1:]],
            capture_output=True, text=True, check=False)
        return answer.returncode, answer.stdout + answer.stderr

    def passes(self, *words):
        status, output = self.run_script(*words)
        self.assertEqual(status, 0, output)

    def finds(self, expected, *words):
        status, output = self.run_script(*words)
        self.assertNotEqual(status, 0, output)
        self.assertIn(expected, output)


class Layers(LintTest):
    def breaks(self, path, text, expected):
        self.passes("check_layers.py")
        self.write(path, SPDX + text)
        self.finds(expected, "check_layers.py")

    def test_upward_include(self):
        self.breaks("core/up.cc", '#include "esp/sealer.h"\n',
                    "core/ may include from nothing and itself")

    def test_sideways_include(self):
        self.breaks("sadb/side.cc", '#include "pipeline/outbound.h"\n',
                    "sadb/ may include from core, esp and itself")

    def test_include_of_a_program_by_a_layer(self):
        self.breaks("esp/d.cc", '#include "daemon/config.h"\n',
                    "breaks the layers")

    def test_include_that_is_not_from_the_top(self):
        self.breaks("esp/near.cc", '#include "sealer.h"\n',
                    "name it from the top")

    def test_libcrypto_outside_core_crypto(self):
        self.breaks("esp/evp.cc", "#include <openssl/evp.h>\n",
                    "<openssl/evp.h> may only be included in core/crypto/")

    def test_unknown_third_party(self):
        self.breaks("core/x.cc", "#include <zstd.h>\n", "is in no table")

    def test_input_and_output_in_a_pure_layer(self):
        self.breaks("pipeline/io.cc", "#include <sys/socket.h>\n", "no I/O")

    # IN-13, DEF-26
    def test_memcmp_near_an_icv(self):
        self.breaks("esp/cmp.cc", "bool F() { return memcmp(a, b, 16); }\n",
                    "ConstantTimeEqual")

    # IN-13, DEF-26
    def test_other_comparisons_that_end_early_near_an_icv(self):
        for word in ("bcmp", "strncmp", "std::equal", "std::ranges::equal",
                     "std::mismatch"):
            self.write("esp/cmp.cc", SPDX)
            self.breaks("esp/cmp.cc", f"bool F() {{ return {word}(a, b, c); }}\n",
                        "ConstantTimeEqual")

    def test_memcmp_in_a_comment_and_its_constant_time_kin_pass(self):
        self.write("core/crypto/ok.cc",
                   SPDX + "// not memcmp(\nint F() { return "
                   "CRYPTO_memcmp(a, b, 1); }\n")
        self.passes("check_layers.py")

    def test_files_in_a_circle(self):
        self.write("core/a.h", SPDX + '#include "core/b.h"\n')
        self.breaks("core/b.h", '#include "core/a.h"\n',
                    "core/a.h -> core/b.h -> core/a.h")

    def test_layers_in_a_circle(self):
        self.write("CMakeLists.txt",
                   CMAKE.replace("(core ", "(core DEPENDS sadb "))
        self.finds("layers in a circle", "check_layers.py")

    def test_folder_that_is_no_layer(self):
        self.breaks("extra/x.cc", "", "extra/ is no layer")

    def test_tree_without_sources(self):
        for path in list(self.root.glob("**/*.cc")) + list(
                self.root.glob("**/*.h")):
            path.unlink()
        self.finds("no source file", "check_layers.py")


class Source(LintTest):
    def test_missing_licence(self):
        self.passes("check_source.py", "spdx")
        self.write("core/bare.cc", "int x;\n")
        self.finds("core/bare.cc:1", "check_source.py", "spdx")

    def test_long_file(self):
        self.passes("check_source.py", "shape")
        self.write("core/long.cc", SPDX + "\n" * 400)
        self.finds("401 lines", "check_source.py", "shape")

    def test_long_function(self):
        self.write("core/f.cc", SPDX + "void F() {\n" + "  G();\n" * 58 + "}\n")
        self.passes("check_source.py", "shape")
        self.write("core/f.cc", SPDX + "void F() {\n" + "  G();\n" * 59 + "}\n")
        self.finds("core/f.cc:2: a function of 61 lines",
                   "check_source.py", "shape")

    def test_long_function_with_a_long_head(self):
        self.write("core/f.cc", SPDX + "void F(int a,\n       int b) {\n" +
                   "  G();\n" * 58 + "}\n")
        self.finds("a function of 61 lines", "check_source.py", "shape")

    def test_long_method(self):
        self.write("core/f.cc", SPDX + "class C {\n  void F() {\n" +
                   "    G();\n" * 59 + "  }\n};\n")
        self.finds("core/f.cc:3: a function of 61 lines",
                   "check_source.py", "shape")

    def test_long_class_and_namespace_pass(self):
        self.write("core/f.cc", SPDX + "namespace a {\nclass C {\n" +
                   "  int x;\n" * 80 + "};\n}\n")
        self.passes("check_source.py", "shape")

    def test_names_that_say_nothing(self):
        self.passes("check_source.py", "names")
        self.write("core/f.cc", SPDX + "class SaManager {\n};\n")
        self.finds("SaManager", "check_source.py", "names")

    def test_file_that_says_nothing(self):
        self.write("core/string_util.cc", SPDX)
        self.finds("string_util", "check_source.py", "names")

    def test_wrong_guard(self):
        self.write("core/other.h", NUMBER_H)
        self.finds("POSTERN_CORE_OTHER_H_", "check_source.py", "names")

    def test_bool_parameter(self):
        self.write("core/number.h", NUMBER_H.replace(
            "Twice(std::uint32_t number)",
            "Twice(std::uint32_t number, bool fast)"))
        self.finds("a bool parameter", "check_source.py", "names")


class RfcMap(LintTest):
    AREA = "ESP"  # apart from the numbers: what is here cites nothing

    def setUp(self):
        super().setUp()
        self.requirements = "".join(
            f"{self.AREA}-{number}\t2.{number}\tMUST\ta | b\n" for number in ("01", "02"))
        self.reason = f"{self.AREA}-02\tNot built.\n"
        self.write("tests/conformance/requirements.tsv", self.requirements)
        self.write("tests/conformance/not_done.tsv", self.reason)
        self.write("tests/unit/seal_test.cc",
                   SPDX + f"\n// {self.AREA}-01\nTEST(Seal, Is) {{\n}}\n")
        self.write("docs/other.md", "")
        self.passes("rfc_map.py", "--write")
        self.passes("rfc_map.py")

    def finds_after(self, path, text, expected):
        self.write(path, text)
        self.run_script("rfc_map.py", "--write")
        self.finds(expected, "rfc_map.py")

    def test_page(self):
        page = (self.root / "docs/rfc-map.md").read_text()
        self.assertIn("| a \\| b | `unit/seal_test.cc: Seal.Is` |", page)
        self.assertIn("| a \\| b | *not done*: Not built. |", page)

    def test_requirement_without_test_and_reason(self):
        self.finds_after("tests/conformance/not_done.tsv", "",
                         f"{self.AREA}-02: no test cites it")

    def test_reason_for_what_a_test_shows(self):
        self.finds_after("tests/conformance/not_done.tsv",
                         self.reason + f"{self.AREA}-01\tNot built.\n",
                         "Seal.Is shows it")

    def test_reason_that_is_none(self):
        self.finds_after("tests/conformance/not_done.tsv", f"{self.AREA}-02\n",
                         f"{self.AREA}-02: not_done.tsv gives no reason")

    def test_citation_of_nothing(self):
        self.finds_after("tests/unit/open_test.cc", SPDX + f"// {self.AREA}-77\n",
                         "there is no such requirement")

    def test_old_page(self):
        self.write("tests/unit/open_test.cc", SPDX + f"// {self.AREA}-01\n")
        self.finds("docs/rfc-map.md is old", "rfc_map.py")


class Defects(LintTest):
    AREA = "DEF"  # apart from the numbers: what is here cites nothing

    def setUp(self):
        super().setUp()
        self.rows = "".join(f"{self.AREA}-{number}\tA stack's.\tIt holds.\n"
                            for number in ("01", "01b", "02"))
        self.write("tests/conformance/defects.tsv", self.rows)
        self.write("tests/conformance/not_done.tsv", f"{self.AREA}-02\tNo such thing here.\n")
        self.write("tests/unit/seal_test.cc",
                   SPDX + f"\n// {self.AREA}-01, {self.AREA}-01b\nTEST(Seal, Is) {{\n}}\n")
        self.write("docs/other.md", "")
        self.passes("defects.py", "--write")
        self.passes("defects.py")

    def finds_after(self, path, text, expected):
        self.write(path, text)
        self.run_script("defects.py", "--write")
        self.finds(expected, "defects.py")

    def test_page(self):
        page = (self.root / "docs/defects.md").read_text()
        for row in (f"{self.AREA}-01", f"{self.AREA}-01b"):
            self.assertIn(f"| {row} | A stack's. | It holds. | `unit/seal_test.cc: Seal.Is` |", page)
        self.assertIn("| *not here*: No such thing here. |", page)

    def test_defect_that_nothing_looks_for(self):
        self.finds_after("tests/unit/seal_test.cc", SPDX + f"// {self.AREA}-01\n",
                         f"{self.AREA}-01b: no test cites it")

    def test_citation_of_nothing(self):
        self.finds_after("tests/unit/open_test.cc", SPDX + f"// {self.AREA}-77\n",
                         "there is no such defect")

    def test_row_that_says_too_little(self):
        self.finds_after("tests/conformance/defects.tsv", self.rows.replace("\tIt holds.", ""),
                         "must say what it was and what must hold")

    def test_old_page(self):
        self.write("tests/unit/open_test.cc", SPDX + f"// {self.AREA}-01\n")
        self.finds("docs/defects.md is old", "defects.py")

    def test_the_other_page_knows_nothing_of_it(self):
        self.write("tests/conformance/requirements.tsv", "")
        self.passes("rfc_map.py", "--write")


class Format(LintTest):
    def test_wrong_indentation(self):
        self.passes("format", "--check")
        self.append("esp/sealer.cc", "int  Five( ) {return 5;}\n")
        self.finds("esp/sealer.cc", "format", "--check")

    def test_format_mends_it(self):
        self.append("esp/sealer.cc", "int  Five( ) {return 5;}\n")
        self.passes("format")
        self.passes("format", "--check")


class Headers(LintTest):
    def setUp(self):
        super().setUp()
        self.write("build/compile_commands.json", json.dumps([{
            "directory": str(self.root / "build"),
            "file": str(self.root / "core/number.cc"),
            "command": f"g++ -std=c++20 -I{self.root} -Wall -MD -MT x.o -o "
                       f"x.o -c {self.root}/core/number.cc"}]))

    def test_missing_include(self):
        self.passes("check_headers.py", str(self.root / "build"))
        self.write("core/number.h",
                   NUMBER_H.replace("#include <cstdint>\n", ""))
        self.finds("core/number.h does not compile on its own",
                   "check_headers.py", str(self.root / "build"))

    def test_missing_guard(self):
        self.write("core/number.h",
                   NUMBER_H.replace("#ifndef POSTERN", "#ifndef OTHER"))
        self.finds("redefinition", "check_headers.py",
                   str(self.root / "build"))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
