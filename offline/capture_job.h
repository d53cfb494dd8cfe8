// SPDX-License-Identifier: Apache-2.0
//
// `postern pcap`: every IP packet of a capture is protected by, or opened by, the
// SAs of a file, and goes into another capture with its time. A line for each
// tells what became of it:
//
//     7  udp 10.9.0.1:9 > 10.9.0.2:9, 60 octets -> protected (esp 0x00001001 to
//        10.9.0.2, seq 3)
//
// Thread safety: one thread's.

#ifndef POSTERN_OFFLINE_CAPTURE_JOB_H_
#define POSTERN_OFFLINE_CAPTURE_JOB_H_

#include <cstdint>
#include <iosfwd>
#include <string>

#include "core/error.h"

namespace postern {

struct CaptureJob {
  enum class Verb : std::uint8_t { kProtect, kOpen };

  Verb verb = Verb::kProtect;
  std::string associations;  // a file, as LoadSaFile() reads it
  std::string from;          // captures
  std::string to;
  std::uint64_t first = 1;  // sequence number
};

struct CaptureTotals {
  std::uint64_t transformed = 0;  // protected, opened
  std::uint64_t copied = 0;       // no SA is for them; they carry no AH or ESP
  std::uint64_t left_out = 0;     // no IP packets, dummies, NAT keepalives
  std::uint64_t refused = 0;
};

// What is left out or refused is not in the new capture. After an error that has
// what came before.
// Errors: those of LoadSaFile(), OfflineSadb::Add(), CaptureReader, CaptureWriter;
// kInvalid when both captures are one file.
Result<CaptureTotals> Run(const CaptureJob& job, std::ostream& lines);

}  // namespace postern

#endif  // POSTERN_OFFLINE_CAPTURE_JOB_H_
