// SPDX-License-Identifier: Apache-2.0
//
// Captures as files, record by record (draft-ietf-opsawg-pcap):
//
//     | magic | 2 | 4 | 0 | 0 | snaplen | link type |     24 octets
//     | seconds | fraction | captured | length | ...      each record
//
// Read: both byte orders, stamps of micro- and nanoseconds, of the link types
// RAW, IPV4, IPV6 and ETHERNET. Written: nanoseconds and RAW, which is IP packets
// alone.
//
// Nothing that a file says is believed: a record is read only when it is not
// larger than any link's frames are.
//
// Thread safety: one thread's. Cost: one record in memory.

#ifndef POSTERN_OFFLINE_CAPTURE_FILE_H_
#define POSTERN_OFFLINE_CAPTURE_FILE_H_

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/error.h"

namespace postern {

struct CloseStream {
  void operator()(std::FILE* stream) const {
    static_cast<void>(std::fclose(stream));
  }
};

using Stream = std::unique_ptr<std::FILE, CloseStream>;

struct CaptureRecord {
  std::uint64_t nanoseconds = 0;  // since 1970
  std::vector<std::uint8_t> frame;
};

class CaptureReader {
 public:
  // The values of the file's link type.
  enum class Link : std::uint32_t {
    kEthernet = 1,
    kRaw = 101,
    kIpv4 = 228,
    kIpv6 = 229,
  };

  // Errors: kSystem (it cannot be read), kInvalid (no pcap file, one of pcapng,
  // or of another link type).
  static Result<CaptureReader> Open(const std::string& path);

  Link link() const { return link_; }

  // Nothing at the file's end.
  // Errors: kInvalid, kSystem; the sentence names the record.
  Result<std::optional<CaptureRecord>> Next();

  // The IP packet of a record's frame; nothing when it holds none.
  std::optional<ConstBytes> IpPacketOf(const CaptureRecord& record) const;

  // Whether `path` names this very file.
  bool IsSameFile(const std::string& path) const;

 private:
  enum class Order : std::uint8_t { kOurs, kSwapped };

  CaptureReader(std::string path, Stream stream)
      : path_(std::move(path)), stream_(std::move(stream)) {}

  Status ReadHead();
  std::uint32_t InOrder(std::uint32_t number) const;
  Error AtRecord(const std::string& what) const;

  std::string path_;
  Stream stream_;
  Order order_ = Order::kOurs;
  std::uint64_t unit_ = 1;  // nanoseconds of a stamp's fraction
  Link link_ = Link::kRaw;
  std::uint64_t records_ = 0;
};

class CaptureWriter {
 public:
  // Replaces what was there, with mode 0600: it may hold clear text.
  // Errors: kSystem.
  static Result<CaptureWriter> Create(const std::string& path);

  // Errors, of both: kSystem.
  Status Write(std::uint64_t nanoseconds, ConstBytes packet);
  Status Close();

 private:
  CaptureWriter(std::string path, Stream stream)
      : path_(std::move(path)), stream_(std::move(stream)) {}

  std::string path_;
  Stream stream_;
};

}  // namespace postern

#endif  // POSTERN_OFFLINE_CAPTURE_FILE_H_
