// SPDX-License-Identifier: Apache-2.0

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "policy/system_policy.h"

namespace postern {
namespace {

IpAddress Address(std::string_view text) {
  return IpAddress::Parse(text).value();
}

struct Levels {
  Level esp_transport = Level::kNone;
  Level ah = Level::kNone;
  Level esp_network = Level::kNone;
};

Route RouteTo(std::string_view prefix, const Levels& levels = {}) {
  Route route;
  route.prefix = IpPrefix::Parse(prefix).value();
  route.levels.Set(Category::kEspTransport, levels.esp_transport);
  route.levels.Set(Category::kAh, levels.ah);
  route.levels.Set(Category::kEspNetwork, levels.esp_network);
  return route;
}

RouteTable Table(std::vector<Route> routes) {
  return RouteTable::Create(std::move(routes)).value();
}

TEST(RouteTable, HoldsTheDraftsFourRoutes) {  // API-36
  const RouteTable table = Table({
      RouteTo("0.0.0.0/0", {.ah = Level::kAvail}),
      RouteTo("10.21.12.0/24", {.ah = Level::kRequire}),
      RouteTo("10.51.50.0/24",
              {.esp_transport = Level::kRequire, .ah = Level::kRequire}),
      RouteTo("10.91.25.0/24"),
  });

  const struct {
    std::string_view remote;
    Level esp_transport;
    Level ah;
  } kRows[] = {
      {"192.0.2.1", Level::kNone, Level::kAvail},
      {"10.21.12.7", Level::kNone, Level::kRequire},
      {"10.51.50.21", Level::kRequire, Level::kRequire},
      // Replaces the default, does not add to it.
      {"10.91.25.200", Level::kNone, Level::kNone},
      {"10.51.51.21", Level::kNone, Level::kAvail},
  };

  for (const auto& row : kRows) {
    const LevelSet& levels = table.Find(Address(row.remote)).levels;
    EXPECT_EQ(levels.of(Category::kEspTransport), row.esp_transport)
        << row.remote;
    EXPECT_EQ(levels.of(Category::kAh), row.ah) << row.remote;
    EXPECT_EQ(levels.of(Category::kEspNetwork), Level::kNone) << row.remote;
  }
}

TEST(RouteTable, IsNoneEverywhereWithoutRoutes) {
  const RouteTable table;
  EXPECT_TRUE(table.Find(Address("10.0.0.1")).levels.empty());
  EXPECT_TRUE(table.Find(Address("2001:db8::1")).levels.empty());
}

TEST(RouteTable, KeepsTheFamiliesApart) {
  const RouteTable table = Table({
      RouteTo("0.0.0.0/0", {.ah = Level::kUse}),
      RouteTo("2001:db8::/32", {.ah = Level::kRequire}),
  });
  EXPECT_EQ(table.Find(Address("2001:db8::1")).levels.of(Category::kAh),
            Level::kRequire);
  EXPECT_EQ(table.Find(Address("fe80::1")).levels.of(Category::kAh),
            Level::kNone);
}

TEST(RouteTable, FindsHostRoutes) {
  const RouteTable table = Table({
      RouteTo("10.0.0.1", {.ah = Level::kRequire}),
      RouteTo("2001:db8::1", {.ah = Level::kUse}),
  });
  EXPECT_EQ(table.Find(Address("10.0.0.1")).levels.of(Category::kAh),
            Level::kRequire);
  EXPECT_EQ(table.Find(Address("10.0.0.2")).levels.of(Category::kAh),
            Level::kNone);
  EXPECT_EQ(table.Find(Address("2001:db8::1")).levels.of(Category::kAh),
            Level::kUse);
}

TEST(RouteTable, RefusesOnePrefixTwice) {
  const auto table =
      RouteTable::Create({RouteTo("10.0.0.0/8"), RouteTo("10.0.0.0/8")});
  ASSERT_FALSE(table.ok());
  EXPECT_EQ(table.error().code, ErrorCode::kExists);
}

TEST(RouteTable, ReplacesAndRemovesInACopy) {
  const RouteTable table = Table({RouteTo("10.0.0.0/8")});
  const RouteTable more =
      table.With(RouteTo("10.0.0.0/8", {.ah = Level::kUse})).value();
  EXPECT_EQ(more.routes().size(), 1u);
  EXPECT_EQ(more.Find(Address("10.1.1.1")).levels.of(Category::kAh),
            Level::kUse);
  EXPECT_EQ(table.Find(Address("10.1.1.1")).levels.of(Category::kAh),
            Level::kNone);
  const RouteTable none =
      more.Without(IpPrefix::Parse("10.0.0.0/8").value()).value();
  EXPECT_TRUE(none.routes().empty());
}

TEST(RouteTable, RefusesToRemoveWhatIsNotThere) {
  const auto table =
      RouteTable().Without(IpPrefix::Parse("10.0.0.0/8").value());
  ASSERT_FALSE(table.ok());
  EXPECT_EQ(table.error().code, ErrorCode::kNotFound);
}

TEST(RouteTable, RefusesAnInvalidRouteAsAnAddition) {
  EXPECT_FALSE(
      RouteTable().With(RouteTo("10.0.0.0/8", {.ah = Level::kBypass})).ok());
}

TEST(RouteTable, GetsByExactPrefixOnly) {
  const RouteTable table = Table({RouteTo("10.0.0.0/8")});
  EXPECT_NE(table.Get(IpPrefix::Parse("10.0.0.0/8").value()), nullptr);
  EXPECT_EQ(table.Get(IpPrefix::Parse("10.0.0.0/9").value()), nullptr);
}

TEST(RouteTable, ListsTheLongestPrefixFirst) {
  const RouteTable table = Table(
      {RouteTo("0.0.0.0/0"), RouteTo("10.1.0.0/16"), RouteTo("10.0.0.0/8")});
  EXPECT_EQ(table.routes()[0].prefix.length(), 16u);
  EXPECT_EQ(table.routes()[2].prefix.length(), 0u);
}

ErrorCode Refusal(const Route& route) {
  const Status status = Validate(route);
  EXPECT_FALSE(status.ok());
  return status.ok() ? ErrorCode::kSystem : status.error().code;
}

TEST(Route, RefusesBypass) {  // API-23: only sockets of privileged programs
  EXPECT_EQ(Refusal(RouteTo("10.0.0.0/8", {.ah = Level::kBypass})),
            ErrorCode::kInvalid);
}

TEST(Route, RefusesAGatewayWithoutAnEspNetworkLevel) {
  Route route = RouteTo("10.8.0.0/16", {.ah = Level::kRequire});
  route.gateway = Address("10.10.14.4");
  EXPECT_EQ(Refusal(route), ErrorCode::kInvalid);
  route.levels.Set(Category::kEspNetwork, Level::kRequire);
  EXPECT_TRUE(Validate(route).ok());
}

// TUN-03
TEST(Route, RefusesAGatewayOfTheOtherFamilyWithoutAnEndHere) {
  Route route = RouteTo("10.8.0.0/16", {.esp_network = Level::kRequire});
  route.gateway = Address("2001:db8::1");
  EXPECT_EQ(Refusal(route), ErrorCode::kInvalid);
  route.gateway_source = Address("10.9.0.1");
  EXPECT_EQ(Refusal(route), ErrorCode::kInvalid);
  route.gateway_source = Address("2001:db8::2");
  EXPECT_TRUE(Validate(route).ok());
  route.gateway.reset();
  EXPECT_EQ(Refusal(route), ErrorCode::kInvalid);
}

TEST(Route, RefusesAGatewayThatIsNotOneHost) {
  Route route = RouteTo("10.8.0.0/16", {.esp_network = Level::kRequire});
  route.gateway = Address("0.0.0.0");
  EXPECT_EQ(Refusal(route), ErrorCode::kInvalid);
  route.gateway = Address("224.0.0.1");
  EXPECT_EQ(Refusal(route), ErrorCode::kInvalid);
}

TEST(Route, RefusesLevelsBesideDiscard) {
  Route route = RouteTo("10.8.0.0/16", {.ah = Level::kUse});
  route.verdict = Route::Verdict::kDiscard;
  EXPECT_EQ(Refusal(route), ErrorCode::kInvalid);
  route.levels = LevelSet();
  EXPECT_TRUE(Validate(route).ok());
}

TEST(SystemPolicy, RaisesItsGenerationWithEveryReplacement) {  // API-31
  SystemPolicy system;
  const std::uint64_t before = system.generation();
  system.Replace(Table({RouteTo("0.0.0.0/0", {.ah = Level::kUse})}));
  EXPECT_GT(system.generation(), before);
  EXPECT_EQ(system.routes().Find(Address("10.0.0.1")).levels.of(Category::kAh),
            Level::kUse);
}

}  // namespace
}  // namespace postern
