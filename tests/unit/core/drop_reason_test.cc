// SPDX-License-Identifier: Apache-2.0

#include "core/drop_reason.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <string_view>

#include "gtest/gtest.h"

namespace postern {
namespace {

TEST(DropReason, EachHasANameASentenceAndASource) {
  for (std::size_t i = 0; i < kDropReasonCount; ++i) {
    const auto reason = static_cast<DropReason>(i);
    const DropReasonText& text = TextOf(reason);
    EXPECT_EQ(text.reason, reason);
    EXPECT_FALSE(text.name.empty());
    EXPECT_GT(text.sentence.size(), 10U) << text.name;
    EXPECT_NE(text.sentence.find(' '), std::string_view::npos) << text.name;
    EXPECT_TRUE(text.source.starts_with("RFC ") ||
                text.source.starts_with("draft ") || text.source == "Postern")
        << text.name;
  }
}

TEST(DropReason, NamesAreUniqueAndFitForMetrics) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kDropReasonCount; ++i) {
    const std::string_view name = NameOf(static_cast<DropReason>(i));
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_TRUE(std::all_of(name.begin(), name.end(), [](unsigned char c) {
      return std::islower(c) != 0 || c == '_';
    })) << name;
  }
}

TEST(DropReason, SentencesAreUnique) {
  std::set<std::string_view> sentences;
  for (std::size_t i = 0; i < kDropReasonCount; ++i) {
    const DropReasonText& text = TextOf(static_cast<DropReason>(i));
    EXPECT_TRUE(sentences.insert(text.sentence).second) << text.name;
  }
}

}  // namespace
}  // namespace postern
