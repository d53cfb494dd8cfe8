// SPDX-License-Identifier: Apache-2.0

#include "tests/support/pcap_reader.h"

#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "core/bytes.h"

namespace postern {
namespace {

constexpr std::uint32_t kMicroseconds = 0xa1b2c3d4;
constexpr std::uint32_t kNanoseconds = 0xa1b23c4d;

std::uint32_t Swapped(std::uint32_t value) {
  return (value >> 24U) | ((value >> 8U) & 0xff00U) |
         ((value << 8U) & 0xff0000U) | (value << 24U);
}

// Reads the file's 32-bit numbers in the order of its writer.
class Numbers {
 public:
  explicit Numbers(ConstBytes octets) : reader_(octets) {}

  void SwapFromNowOn() { swap_ = true; }

  std::optional<std::uint32_t> Next() {
    const auto value = reader_.Read<std::uint32_t>();
    return value && swap_ ? Swapped(*value) : value;
  }

  std::optional<ConstBytes> Octets(std::uint32_t count) {
    return reader_.Take(count);
  }

  bool empty() const { return reader_.empty(); }

 private:
  Reader reader_;
  bool swap_ = false;
};

std::optional<PcapRecord> ReadRecord(Numbers& in, std::uint64_t unit) {
  const auto seconds = in.Next();
  const auto fraction = in.Next();
  const auto captured = in.Next();
  const auto length = in.Next();
  if (!length || *captured > *length) {
    return std::nullopt;
  }
  const auto octets = in.Octets(*captured);
  if (!octets) {
    return std::nullopt;
  }
  constexpr std::uint64_t kBillion = 1'000'000'000;
  return PcapRecord{*seconds * kBillion + *fraction * unit,
                    {octets->begin(), octets->end()}};
}

}  // namespace

Result<PcapFile> ReadPcap(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    return Error{ErrorCode::kNotFound, "There is no capture " + path + "."};
  }
  const std::vector<char> chars{std::istreambuf_iterator<char>(stream), {}};
  const std::vector<std::uint8_t> octets(chars.begin(), chars.end());
  Numbers in{ConstBytes(octets)};
  const std::uint32_t magic = in.Next().value_or(0);
  const bool little =
      magic == Swapped(kMicroseconds) || magic == Swapped(kNanoseconds);
  const std::uint32_t plain = little ? Swapped(magic) : magic;
  if (plain != kMicroseconds && plain != kNanoseconds) {
    return Invalid(path + " is not a pcap file.");
  }
  if (little) {
    in.SwapFromNowOn();
  }
  constexpr std::uint32_t kVersionZoneAccuracySnaplen = 16;
  in.Octets(kVersionZoneAccuracySnaplen);
  const auto link_type = in.Next();
  if (!link_type) {
    return Invalid(path + " ends inside its head.");
  }
  PcapFile file{*link_type, {}};
  while (!in.empty()) {
    auto record = ReadRecord(in, plain == kNanoseconds ? 1 : 1000);
    if (!record) {
      return Invalid(path + " ends inside record " +
                     std::to_string(file.records.size()) + ".");
    }
    file.records.push_back(std::move(*record));
  }
  return file;
}

}  // namespace postern
