// SPDX-License-Identifier: Apache-2.0

#include "cli/render.h"

#include <gtest/gtest.h>

namespace postern {
namespace {

TEST(Render, PutsAssociationsInColumns) {
  EXPECT_EQ(
      Render(View::kAssociations,
             R"({"associations":[{"protocol":"esp","mode":"transport",)"
             R"("direction":"outbound","spi":"0x00001001","source":"10.9.0.1",)"
             R"("destination":"10.9.0.2","encryption":"aes-cbc",)"
             R"("integrity":"hmac-sha1-96","state":"mature","packets":3,)"
             R"("sequence":3}]})"),
      "PROTOCOL  MODE       SPI         SOURCE    DESTINATION  DIRECTION  "
      "ALGORITHMS            STATE   PACKETS  SEQUENCE  OWNER\n"
      "esp       transport  0x00001001  10.9.0.1  10.9.0.2     outbound   "
      "aes-cbc+hmac-sha1-96  mature  3        3         -\n");
}

TEST(Render, PutsRoutesLevelsAndSocketsInColumns) {
  EXPECT_EQ(
      Render(View::kRoutes, R"({"routes":[{"prefix":"::/0","verdict":"levels",)"
                            R"("levels":{"esp_transport":"none","ah":"use",)"
                            R"("esp_network":"none"}}]})"),
      "PREFIX  VERDICT  ESP-TRANSPORT  AH   ESP-NETWORK  GATEWAY\n"
      "::/0    levels   none           use  none         -\n");
  EXPECT_EQ(
      Render(View::kLevels, R"({"ipv4":{"esp_transport":"none","ah":"use",)"
                            R"("esp_network":"avail"}})"),
      "FAMILY  ESP-TRANSPORT  AH   ESP-NETWORK\n"
      "ipv4    none           use  avail\n");
  EXPECT_EQ(Render(View::kSockets,
                   R"({"sockets":[{"cookie":7,"levels":{"ah":"use"}}]})"),
            "COOKIE  ESP-TRANSPORT  AH   ESP-NETWORK\n"
            "7       -              use  -\n");
}

// SPD-07 SPD-09: in their order, and what becomes of the rest.
TEST(Render, PutsRulesInColumnsAndTheDefaultLast) {
  EXPECT_EQ(
      Render(View::kRules,
             R"({"rules":[{"name":"ike","verdict":"bypass","direction":"both",)"
             R"("protocol":17,"remote_port":[500,"4500-4501"]}],)"
             R"("default":"discard"})"),
      "NAME  VERDICT  DIRECTION  WHAT\n"
      "ike   bypass   both       protocol=17 remote_port=500,4500-4501\n"
      "-     discard  both       what no rule and no route names\n");
}

TEST(Render, PutsCgroupsInColumns) {
  EXPECT_EQ(
      Render(View::kCgroups, R"({"cgroups":[{"path":"/a","levels":{)"
                             R"("esp_transport":"none","ah":"use",)"
                             R"("esp_network":"none"},"present":true},)"
                             R"({"path":"/b","levels":{},"present":false}]})"),
      "CGROUP  ESP-TRANSPORT  AH   ESP-NETWORK  PRESENT\n"
      "/a      none           use  none         yes\n"
      "/b      -              -    -            no\n");
}

TEST(Render, ShowsOnlyReasonsThatDroppedSomething) {
  EXPECT_EQ(Render(View::kStats,
                   R"({"counts":{"inbound_packets":9},"drops":{"bad_icv":2,)"
                   R"("no_sa":0},"meanings":{"bad_icv":{"sentence":"forged",)"
                   R"("source":"RFC 4303 3.4.4"},"no_sa":{}}})"),
            "inbound_packets  9\n"
            "\n"
            "DROPPED  REASON   WHICH MEANS\n"
            "2        bad_icv  forged [RFC 4303 3.4.4]\n");
  EXPECT_EQ(Render(View::kStats, R"({"counts":{"a":1},"drops":{},)"
                                 R"("meanings":{}})"),
            "a  1\n\nNothing was dropped.\n");
}

TEST(Render, ShowsNestedNamesWithDots) {
  EXPECT_EQ(Render(View::kStatus,
                   R"({"host":"a","tun":{"mtu":1314,"addresses":["::1"]},)"
                   R"("selector":{}})"),
            "host           a\n"
            "tun.mtu        1314\n"
            "tun.addresses  [\"::1\"]\n"
            "selector       -\n");
  EXPECT_EQ(Render(View::kOutcome, R"({"deleted":3})"), "deleted: 3\n");
}

TEST(Render, ShowsWhatItDoesNotUnderstandAsItIs) {
  EXPECT_EQ(Render(View::kRoutes, "{\"x\":1}"), "{\"x\":1}\n");
  EXPECT_EQ(Render(View::kStats, "not JSON"), "not JSON\n");
  EXPECT_EQ(Render(View::kSockets, R"({"sockets":[1]})"),
            "{\"sockets\":[1]}\n");
}

TEST(Render, TellsTheSentenceOfARefusal) {
  EXPECT_EQ(RenderRefusal(R"({"code":"invalid","message":"no."})"), "no.");
  EXPECT_EQ(RenderRefusal("broken"), "broken");
}

}  // namespace
}  // namespace postern
