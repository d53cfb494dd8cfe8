// SPDX-License-Identifier: Apache-2.0
//
// The flow table against std::map: what Find() returns is what was inserted
// last, or nothing.

#include <map>
#include <random>

#include "gtest/gtest.h"

#include "policy/flow_table.h"

namespace postern {
namespace {

FlowKey KeyOf(std::uint64_t number) {
  FlowKey key;
  key.local = IpAddress::Parse("10.9.1.1").value();
  key.remote = IpAddress::Parse("10.9.2.1").value();
  key.local_port = static_cast<std::uint16_t>(number);
  key.remote_port = static_cast<std::uint16_t>(number * 7);
  key.protocol = 17;
  return key;
}

// DEF-41
TEST(FlowTableProperty, FindsWhatWasInsertedLastOrNothing) {
  FlowTable table(64);
  std::map<FlowKey, SocketCookie> definition;
  std::mt19937 random(20240602);
  std::uint64_t found = 0;
  for (std::uint64_t step = 1; step <= 200'000; ++step) {
    const FlowKey key = KeyOf(random() % 200);
    switch (random() % 4) {
      case 0:
        definition[key] = SocketCookie{step};
        table.Insert(key).cookie = SocketCookie{step};
        break;
      case 1:
        if (random() % 8 == 0) {
          definition.erase(key);
          table.Erase(key);
        }
        break;
      default: {
        const Flow* const flow = table.Find(key);
        if (flow == nullptr) {
          break;
        }
        ++found;
        ASSERT_EQ(flow->key, key);
        ASSERT_TRUE(definition.contains(key));
        ASSERT_EQ(flow->cookie, definition[key]);
      }
    }
  }
  EXPECT_GT(found, 10'000u);
}

TEST(FlowTableProperty, FindsEverythingWhenThereIsRoom) {
  FlowTable table(100'000);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    table.Insert(KeyOf(i)).cookie = SocketCookie{i};
  }
  for (std::uint64_t i = 0; i < 1000; ++i) {
    ASSERT_NE(table.Find(KeyOf(i)), nullptr);
    EXPECT_EQ(table.Find(KeyOf(i))->cookie, SocketCookie{i});
  }
}

}  // namespace
}  // namespace postern
