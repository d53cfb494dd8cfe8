// SPDX-License-Identifier: Apache-2.0

#include "daemon/acquire_settings.h"

namespace postern {
namespace {

constexpr Section::Range kSeconds = {1, 3600};
constexpr Section::Range kAcquireCounts = {1, 1'000'000};
// A packet that waits takes 9 KiB.
constexpr Section::Range kPacketCounts = {1, 16'384};

void ReadSeconds(Section& section, std::string_view key, Duration& duration) {
  if (const auto seconds = section.Whole(key, kSeconds)) {
    duration = std::chrono::seconds(*seconds);
  }
}

void ReadCount(Section& section, std::string_view key, Section::Range range,
               std::size_t& count) {
  if (const auto told = section.Whole(key, range)) {
    count = static_cast<std::size_t>(*told);
  }
}

}  // namespace

AcquireSettings ReadAcquireSettings(Section& section) {
  AcquireSettings settings;
  ReadSeconds(section, "patience_seconds", settings.acquires.patience);
  ReadSeconds(section, "hold_down_seconds", settings.acquires.hold_down);
  ReadCount(section, "waiting", kAcquireCounts, settings.acquires.waiting);
  ReadSeconds(section, "hold_seconds", settings.held.time);
  ReadCount(section, "held_per_acquire", kPacketCounts,
            settings.held.per_acquire);
  ReadCount(section, "held_per_peer", kPacketCounts, settings.held.per_peer);
  ReadCount(section, "held", kPacketCounts, settings.held.in_all);
  section.Finish();
  return settings;
}

}  // namespace postern
