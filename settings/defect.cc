// SPDX-License-Identifier: Apache-2.0

#include "settings/defect.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

namespace postern {
namespace {

std::string Sentence(const Defect& defect) {
  return defect.key.empty() ? defect.message
                            : defect.key + ": " + defect.message;
}

// Insertions, deletions, replacements, and neighbours that changed places.
std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> two_above;
  std::vector<std::size_t> above(b.size() + 1);
  std::iota(above.begin(), above.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::vector<std::size_t> row(b.size() + 1);
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = above[j] + (a[i] == b[j] ? 0 : 1);
      row[j + 1] = std::min({replaced, row[j] + 1, above[j + 1] + 1});
      if (i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j]) {
        row[j + 1] = std::min(row[j + 1], two_above[j - 1] + 1);
      }
    }
    two_above = std::exchange(above, std::move(row));
  }
  return above.back();
}

}  // namespace

std::string InFile(std::string_view file, const Defect& defect) {
  std::string line(file);
  if (defect.place != Place()) {
    line += ":" + std::to_string(defect.place.line);
    line += ":" + std::to_string(defect.place.column);
  }
  return line + ": " + Sentence(defect);
}

std::string InOneLine(const Defects& defects) {
  std::string line;
  for (const Defect& defect : defects) {
    line += (line.empty() ? "" : " ") + Sentence(defect);
  }
  return line;
}

std::string_view ClosestOf(std::string_view word,
                           const std::vector<std::string_view>& candidates) {
  constexpr std::size_t kLongestWord = 64;
  if (word.size() > kLongestWord) {
    return {};
  }
  std::string_view closest;
  // A third of the letters may be wrong, but one always.
  std::size_t bound = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    if (const std::size_t distance = EditDistance(word, candidate);
        distance < bound) {
      bound = distance;
      closest = candidate;
    }
  }
  return closest;
}

}  // namespace postern
