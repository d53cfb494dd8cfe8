// SPDX-License-Identifier: Apache-2.0
//
// Selectors (core/flow/selector.h) as administrators write and read them: in an
// SA's `selector` and in a rule's own keys.
//
//     source = "10.0.0.0/8,192.0.2.3-192.0.2.10"    or a list of texts
//     protocol = "udp"        tcp, udp, icmp, icmpv6, ..., a number, "opaque"
//     source_port = [500, "4500-4501"]              or "opaque"
//     icmp = ["8", "3/0-15", "3-11/1-1"]            type, range of types, codes
//     mobility = "5-6"                              types of Mobility Headers
//
// A key that is not there, and "any", is ANY.
//
// Thread safety: plain functions, Thread-safe.

#ifndef POSTERN_SETTINGS_SELECTOR_SETTINGS_H_
#define POSTERN_SETTINGS_SELECTOR_SETTINGS_H_

#include <string_view>

#include "core/flow/selector.h"
#include "settings/section.h"
#include "settings/value.h"

namespace postern {

// How the two ends are called.
struct EndNames {
  std::string_view source;
  std::string_view destination;
  std::string_view source_port;
  std::string_view destination_port;
};

inline constexpr EndNames kPacketsEnds = {"source", "destination",
                                          "source_port", "destination_port"};
// A rule is written as its outbound packets are: the local end is the source.
inline constexpr EndNames kHostsEnds = {"local", "remote", "local_port",
                                        "remote_port"};

// What is not understood becomes a defect; Validate() is for the caller.
Selector ReadSelector(Section& section, const EndNames& names);

// The members that ReadSelector() understands; without those that are ANY.
Object Describe(const Selector& selector, const EndNames& names);

}  // namespace postern

#endif  // POSTERN_SETTINGS_SELECTOR_SETTINGS_H_
