// SPDX-License-Identifier: Apache-2.0

#include "daemon/json_text.h"

#include <gtest/gtest.h>

#include <string>

namespace postern {
namespace {

TEST(JsonText, ReadsEveryKindOfValue) {
  const auto value =
      ParseJson(R"({"text":"x","whole":-3,"real":1.5,"flag":true,"none":null,)"
                R"("list":[1,[2]],"table":{"a":{}}})");
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(*value->Find("text")->text(), "x");
  EXPECT_EQ(*value->Find("whole")->whole(), -3);
  EXPECT_EQ(*value->Find("real")->real(), 1.5);
  EXPECT_TRUE(*value->Find("flag")->flag());
  EXPECT_TRUE(value->Find("none")->is_null());
  EXPECT_EQ(value->Find("list")->array()->size(), 2u);
  EXPECT_NE(value->Find("table")->Find("a")->object(), nullptr);
  EXPECT_EQ(value->Find("other"), nullptr);
}

TEST(JsonText, RefusesWhatIsNotJson) {
  for (const char* text : {"", "{", "nonsense", "{\"a\":1}x", "{'a':1}"}) {
    EXPECT_FALSE(ParseJson(text).ok()) << text;
  }
}

TEST(JsonText, RefusesDeepNesting) {
  const std::string opened(1000, '[');
  const std::string closed(1000, ']');
  EXPECT_FALSE(ParseJson(opened + closed).ok());
  EXPECT_FALSE(ParseJson(opened).ok());
}

// A number that does not fit must not become another one.
TEST(JsonText, TakesNoNumberBeyond63BitsForAWholeOne) {
  const auto value = ParseJson("[18446744073709551615,9223372036854775807]");
  ASSERT_TRUE(value.ok());
  EXPECT_EQ((*value->array())[0].whole(), nullptr);
  EXPECT_EQ(*(*value->array())[1].whole(), 9223372036854775807);
}

TEST(JsonText, WritesOneLineInOrderAndEscapes) {
  const Value value = MakeObject({{"z", Value::Count(1), {}},
                                  {"a", "line\nend \"q\"", {}},
                                  {"bad", std::string("\xff"), {}},
                                  {"list", Array{Value::Flag(false)}, {}}});
  EXPECT_EQ(ToJson(value),
            "{\"z\":1,\"a\":\"line\\nend \\\"q\\\"\",\"bad\":\"\xef\xbf\xbd\","
            "\"list\":[false]}");
}

TEST(JsonText, TellsAHugeCounterAsTheLargestNumber) {
  EXPECT_EQ(ToJson(Value::Count(~std::uint64_t{0})), "9223372036854775807");
}

}  // namespace
}  // namespace postern
