// SPDX-License-Identifier: Apache-2.0
//
// A Defect is one thing that is wrong with what an administrator wrote: where,
// and what to write instead. A reader of settings collects all of them, so that
// a file is mended in one go.
//
// Thread safety: plain values.

#ifndef POSTERN_SETTINGS_DEFECT_H_
#define POSTERN_SETTINGS_DEFECT_H_

#include <string>
#include <string_view>
#include <vector>

#include "settings/value.h"

namespace postern {

struct Defect {
  Place place;
  std::string key;      // "sa[2].spi"; empty for the whole
  std::string message;  // one sentence
};

using Defects = std::vector<Defect>;

// "host.toml:12:5: sa[2].spi: ...", as compilers do; without a place,
// "host.toml: ...".
std::string InFile(std::string_view file, const Defect& defect);

// "spi: ...; mode: ...": all of them in one line, for a request without places.
std::string InOneLine(const Defects& defects);

// The candidate that was probably meant by `word`; empty when none is close.
// Cost: O(length^2) for each candidate.
std::string_view ClosestOf(std::string_view word,
                           const std::vector<std::string_view>& candidates);

}  // namespace postern

#endif  // POSTERN_SETTINGS_DEFECT_H_
