// SPDX-License-Identifier: Apache-2.0

#include "daemon/socket_description.h"

#include <string>
#include <utility>

#include "daemon/route_settings.h"

namespace postern {
namespace {

Value DescribeWishes(const SocketWishes& wishes) {
  Object members;
  const auto add = [&members](std::string name, Value value) {
    members.push_back({std::move(name), std::move(value), {}});
  };
  if (wishes.mine) {
    add("mine", wishes.mine->ToString());
  }
  if (wishes.peer) {
    add("peer", wishes.peer->ToString());
  }
  if (!wishes.algorithms.is_everything()) {
    add("algorithms", wishes.algorithms.text());
  }
  if (wishes.least_key_bits != 0) {
    add("least_key_bits", Value::Whole(wishes.least_key_bits));
  }
  if (wishes.share) {
    add("shares_with", Value::Count(static_cast<std::uint64_t>(*wishes.share)));
  }
  return MakeObject(std::move(members));
}

}  // namespace

Value DescribeSocket(SocketCookie cookie, const LevelSet& levels,
                     const WishesRef& wishes) {
  Object members{
      {"cookie", Value::Count(static_cast<std::uint64_t>(cookie)), {}},
      {"levels", Describe(levels), {}}};
  if (wishes && *wishes != SocketWishes()) {
    members.push_back({"wishes", DescribeWishes(*wishes), {}});
  }
  return MakeObject(std::move(members));
}

}  // namespace postern
