# SPDX-License-Identifier: Apache-2.0
"""The suites that are tried against Linux (tests/interop/suites.py), as SA files."""

import pathlib
import sys

import offline

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "interop"))
from suites import AH, ESP  # noqa: E402, F401

LEGACY = "[crypto]\nlegacy = true\n"


def key_of(algorithm, more=""):
    return offline.key_of(algorithm.name + more, algorithm.key) if algorithm.key else None


def sa_of(suite, more="", **settings):
    """A [[sa]]; `more` is for keys that no other SA of the file has."""
    for kind in ("encryption", "integrity"):
        if algorithm := getattr(suite, kind):
            settings[kind] = algorithm.ours
            settings[f"{kind}_key"] = key_of(algorithm, more)
    return offline.sa(**settings)
