// SPDX-License-Identifier: Apache-2.0

#include "pfkey/wire_format.h"

#include <type_traits>

#include "pfkey/constants.h"

namespace postern::pfkey {
namespace {

// Whoever reads or writes messages copies octets into and out of these.
template <typename... Parts>
constexpr bool AreOctets() {
  return ((std::is_trivially_copyable_v<Parts> &&
           std::has_unique_object_representations_v<Parts>)&&...);
}

// What starts at a word must end at one.
template <typename... Parts>
constexpr bool AreWords() {
  return ((sizeof(Parts) % kWord == 0) && ...);
}

static_assert(AreOctets<Message, Extension, Association, Lifetime, Address, Key,
                        Identity, Sensitivity, Proposal, Combination, Supported,
                        Algorithm, SpiRange, Private, Association2, Policy,
                        PolicyRequest, NatTraversalType, NatTraversalPort,
                        SecurityContext, KeyManagementAddress, Filter>());
static_assert(AreWords<Message, Association, Lifetime, Address, Key, Identity,
                       Sensitivity, Proposal, Combination, Supported, Algorithm,
                       SpiRange, Private, Association2, Policy, PolicyRequest,
                       NatTraversalType, NatTraversalPort, SecurityContext,
                       KeyManagementAddress, Filter>());
static_assert(sizeof(Extension) == kWord / 2);

}  // namespace
}  // namespace postern::pfkey
