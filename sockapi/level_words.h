// SPDX-License-Identifier: Apache-2.0
//
// The levels a program's sockets begin with, as `postern exec` writes them into
// the environment:
//
//     POSTERN_LEVELS=esp_transport=use,ah=require,esp_network=none
//
//     list     = item *( "," item )
//     item     = category "=" level          each category at most once
//     category = "esp_transport" / "ah" / "esp_network"
//     level    = "bypass" / "none" / "default" / "avail" / "use" / "require" /
//                "unique"
//
// Nothing else is understood: no blanks, no capitals, no empty items. A list
// that is not understood protects nobody by half.
//
// Thread safety: plain values. Cost: one pass; nothing allocates.

#ifndef POSTERN_SOCKAPI_LEVEL_WORDS_H_
#define POSTERN_SOCKAPI_LEVEL_WORDS_H_

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "control/api_protocol.h"

namespace postern {

struct CategoryWord {
  ApiCategory category = ApiCategory::kEspTransport;
  std::string_view word;
};

// In the order in which the draft applies them to a packet.
inline constexpr std::array<CategoryWord, 3> kCategoryWords{{
    {ApiCategory::kEspTransport, "esp_transport"},
    {ApiCategory::kAh, "ah"},
    {ApiCategory::kEspNetwork, "esp_network"},
}};

struct LevelWord {
  ApiLevel level = ApiLevel::kNone;
  std::string_view word;
};

inline constexpr std::array<LevelWord, 7> kLevelWords{{
    {ApiLevel::kBypass, "bypass"},
    {ApiLevel::kNone, "none"},
    {ApiLevel::kNone, "default"},
    {ApiLevel::kAvail, "avail"},
    {ApiLevel::kUse, "use"},
    {ApiLevel::kRequire, "require"},
    {ApiLevel::kUnique, "unique"},
}};

// kAbsent for categories that are not in the list; indexed as kCategoryWords.
using LevelWishes = std::array<ApiLevel, kCategoryWords.size()>;

// Takes what is before `separator`, and it, off `text`; all of `text` when
// there is none.
constexpr std::string_view TakeWord(std::string_view& text, char separator) {
  std::size_t size = 0;
  while (size < text.size() && text[size] != separator) {
    ++size;
  }
  const std::string_view word(text.data(), size);
  text.remove_prefix(size < text.size() ? size + 1 : size);
  return word;
}

// kAbsent for a word that is none of kLevelWords.
constexpr ApiLevel LevelOfWord(std::string_view word) {
  for (const LevelWord& level : kLevelWords) {
    if (level.word == word) {
      return level.level;
    }
  }
  return ApiLevel::kAbsent;
}

// Adds one "category=level" to `wishes`.
constexpr bool AddLevelWish(std::string_view item, LevelWishes& wishes) {
  const std::string_view category = TakeWord(item, '=');
  for (std::size_t i = 0; i < kCategoryWords.size(); ++i) {
    if (kCategoryWords[i].word == category && wishes[i] == ApiLevel::kAbsent) {
      wishes[i] = LevelOfWord(item);
      return wishes[i] != ApiLevel::kAbsent;
    }
  }
  return false;
}

// nullopt for a list that is not understood, also the empty one.
constexpr std::optional<LevelWishes> ParseLevelWishes(std::string_view list) {
  LevelWishes wishes{};
  if (list.empty() || list.back() == ',') {
    return std::nullopt;
  }
  while (!list.empty()) {
    if (!AddLevelWish(TakeWord(list, ','), wishes)) {
      return std::nullopt;
    }
  }
  return wishes;
}

}  // namespace postern

#endif  // POSTERN_SOCKAPI_LEVEL_WORDS_H_
