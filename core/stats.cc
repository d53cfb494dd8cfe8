// SPDX-License-Identifier: Apache-2.0

#include "core/stats.h"

namespace postern {
namespace {

constexpr std::array<std::string_view, kCountCount> kNames = {
    "outbound_packets",
    "outbound_clear",
    "outbound_protected",
    "outbound_octets",
    "inbound_packets",
    "inbound_clear",
    "inbound_protected",
    "inbound_octets",
    "esp_sealed",
    "esp_opened",
    "ah_signed",
    "ah_verified",
    "owner_lookups",
    "acquires",
    "outbound_held",
    "fragments_taken",
    "reassembled",
    "packets_cut",
    "fragments_sent",
    "too_big_told",
    "discards_told",
    "path_mtu_lowered",
    "dummies_sent",
    "unused_ecn",
    "super_packets_read",
    "segments_read",
    "super_packets_written",
    "segments_written",
    "wire_send_calls",
    "wire_datagrams_sent",
    "wire_trains_sent",
    "wire_receive_calls",
    "wire_datagrams_received",
    "wire_trains_received",
    "neighbour_questions",
    "neighbour_answers",
    "address_conflicts",
};

}  // namespace

std::string_view NameOf(Count count) {
  return kNames[static_cast<std::size_t>(count)];
}

}  // namespace postern
