// SPDX-License-Identifier: Apache-2.0

#include "offline/capture_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <utility>

#include "core/unique_fd.h"

namespace postern {
namespace {

constexpr std::uint32_t kMicroseconds = 0xa1b2c3d4;
constexpr std::uint32_t kNanoseconds = 0xa1b23c4d;
constexpr std::uint32_t kNextGeneration = 0x0a0d0d0a;  // pcapng
constexpr std::uint64_t kBillion = 1'000'000'000;

// What tcpdump and Wireshark take at most.
constexpr std::uint32_t kMostOctets = 262'144;

struct FileHeader {
  std::uint32_t magic = kNanoseconds;
  std::uint16_t major_version = 2;
  std::uint16_t minor_version = 4;
  std::uint32_t zone = 0;
  std::uint32_t accuracy = 0;
  std::uint32_t snaplen = kMostOctets;
  std::uint32_t link = static_cast<std::uint32_t>(CaptureReader::Link::kRaw);
};

struct RecordHeader {
  std::uint32_t seconds = 0;
  std::uint32_t fraction = 0;
  std::uint32_t captured = 0;
  std::uint32_t length = 0;
};

static_assert(sizeof(FileHeader) == 24 && sizeof(RecordHeader) == 16);

constexpr std::uint32_t Swapped(std::uint32_t number) {
  return (number >> 24U) | ((number >> 8U) & 0xff00U) |
         ((number << 8U) & 0xff0000U) | (number << 24U);
}

bool IsKnown(CaptureReader::Link link) {
  switch (link) {
    case CaptureReader::Link::kEthernet:
    case CaptureReader::Link::kRaw:
    case CaptureReader::Link::kIpv4:
    case CaptureReader::Link::kIpv6:
      return true;
  }
  return false;
}

}  // namespace

Result<CaptureReader> CaptureReader::Open(const std::string& path) {
  Stream stream(std::fopen(path.c_str(), "rbe"));
  if (!stream) {
    return SystemError("the capture " + path + " cannot be read", errno);
  }
  CaptureReader reader(path, std::move(stream));
  if (const Status read = reader.ReadHead(); !read.ok()) {
    return read.error();
  }
  return reader;
}

Status CaptureReader::ReadHead() {
  FileHeader head;
  const std::size_t got = std::fread(&head, 1, sizeof(head), stream_.get());
  if (std::ferror(stream_.get()) != 0) {
    return SystemError("the capture " + path_ + " cannot be read", errno);
  }
  const bool is_whole = got == sizeof(head);
  if (got >= sizeof(head.magic) && head.magic == kNextGeneration) {
    return Invalid(path_ +
                   " is a pcapng file; make a pcap file of it: editcap -F pcap "
                   "IN OUT.");
  }
  const bool is_swapped = head.magic == Swapped(kMicroseconds) ||
                          head.magic == Swapped(kNanoseconds);
  order_ = is_swapped ? Order::kSwapped : Order::kOurs;
  const std::uint32_t magic = InOrder(head.magic);
  if (!is_whole || (magic != kMicroseconds && magic != kNanoseconds)) {
    return Invalid(path_ + " is not a pcap file.");
  }
  unit_ = magic == kMicroseconds ? 1000 : 1;
  // The upper bits tell of frame check sequences.
  link_ = Link{InOrder(head.link) & 0x0000ffff};
  if (!IsKnown(link_)) {
    return Invalid(path_ + " has frames of link type " +
                   std::to_string(static_cast<std::uint32_t>(link_)) +
                   "; only RAW (101), IPV4 (228), IPV6 (229) and ETHERNET (1) "
                   "are read.");
  }
  return Ok();
}

std::uint32_t CaptureReader::InOrder(std::uint32_t number) const {
  return order_ == Order::kSwapped ? Swapped(number) : number;
}

Error CaptureReader::AtRecord(const std::string& what) const {
  return Invalid(path_ + ": record " + std::to_string(records_) + " " + what);
}

Result<std::optional<CaptureRecord>> CaptureReader::Next() {
  RecordHeader head;
  const std::size_t got = std::fread(&head, 1, sizeof(head), stream_.get());
  if (std::ferror(stream_.get()) != 0) {
    return SystemError("the capture " + path_ + " cannot be read on", errno);
  }
  if (got == 0) {
    return std::optional<CaptureRecord>();
  }
  ++records_;
  if (got != sizeof(head)) {
    return AtRecord("ends inside its head.");
  }
  const std::uint32_t captured = InOrder(head.captured);
  if (captured > kMostOctets) {
    return AtRecord("claims " + std::to_string(captured) +
                    " octets, more than any frame has.");
  }
  CaptureRecord record;
  record.nanoseconds =
      InOrder(head.seconds) * kBillion + InOrder(head.fraction) * unit_;
  record.frame.resize(captured);
  if (std::fread(record.frame.data(), 1, captured, stream_.get()) != captured) {
    return AtRecord("ends before its " + std::to_string(captured) +
                    " octets do.");
  }
  return std::optional(std::move(record));
}

std::optional<ConstBytes> CaptureReader::IpPacketOf(
    const CaptureRecord& record) const {
  constexpr std::size_t kEthernetHeader = 14;
  constexpr std::uint16_t kTypeIpv4 = 0x0800;
  constexpr std::uint16_t kTypeIpv6 = 0x86dd;
  const ConstBytes frame(record.frame);
  if (link_ != Link::kEthernet) {
    return frame;
  }
  if (frame.size() < kEthernetHeader) {
    return std::nullopt;
  }
  const auto type = LoadBe<std::uint16_t>(frame.subspan(kEthernetHeader - 2));
  return type == kTypeIpv4 || type == kTypeIpv6
             ? std::optional(frame.subspan(kEthernetHeader))
             : std::nullopt;
}

bool CaptureReader::IsSameFile(const std::string& path) const {
  struct stat ours {};

  struct stat other {};

  return ::fstat(::fileno(stream_.get()), &ours) == 0 &&
         ::stat(path.c_str(), &other) == 0 && ours.st_dev == other.st_dev &&
         ours.st_ino == other.st_ino;
}

Result<CaptureWriter> CaptureWriter::Create(const std::string& path) {
  constexpr mode_t kMode = 0600;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open is what it is
  UniqueFd file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode));
  if (!file.valid()) {
    return SystemError("the capture " + path + " cannot be made", errno);
  }
  Stream stream(::fdopen(file.get(), "wb"));
  if (!stream) {
    return SystemError("the capture " + path + " cannot be made", errno);
  }
  static_cast<void>(file.release());
  const FileHeader head;
  if (std::fwrite(&head, sizeof(head), 1, stream.get()) != 1) {
    return SystemError("the capture " + path + " cannot be written", errno);
  }
  return CaptureWriter(path, std::move(stream));
}

Status CaptureWriter::Write(std::uint64_t nanoseconds, ConstBytes packet) {
  const auto size = static_cast<std::uint32_t>(packet.size());
  const RecordHeader head{static_cast<std::uint32_t>(nanoseconds / kBillion),
                          static_cast<std::uint32_t>(nanoseconds % kBillion),
                          size, size};
  if (std::fwrite(&head, sizeof(head), 1, stream_.get()) != 1 ||
      std::fwrite(packet.data(), 1, size, stream_.get()) != size) {
    return SystemError("the capture " + path_ + " cannot be written", errno);
  }
  return Ok();
}

Status CaptureWriter::Close() {
  return std::fclose(stream_.release()) == 0
             ? Ok()
             : Status(SystemError(
                   "the capture " + path_ + " cannot be written to its end",
                   errno));
}

}  // namespace postern
