// SPDX-License-Identifier: Apache-2.0
//
// Reads a pcap file, written after its definition (draft-ietf-opsawg-pcap) and
// independently of wire/pcap_recorder: both byte orders, micro- and nanosecond
// stamps. Anything out of order is an error that says where.
//
// Thread safety: plain values.

#ifndef POSTERN_TESTS_SUPPORT_PCAP_READER_H_
#define POSTERN_TESTS_SUPPORT_PCAP_READER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "core/error.h"

namespace postern {

struct PcapRecord {
  std::uint64_t nanoseconds = 0;  // since 1970
  std::vector<std::uint8_t> octets;
};

struct PcapFile {
  std::uint32_t link_type = 0;
  std::vector<PcapRecord> records;
};

// Errors: kNotFound (no such file), kInvalid (not a pcap file, or one that ends
// inside a record).
Result<PcapFile> ReadPcap(const std::string& path);

}  // namespace postern

#endif  // POSTERN_TESTS_SUPPORT_PCAP_READER_H_
