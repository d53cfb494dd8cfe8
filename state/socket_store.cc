// SPDX-License-Identifier: Apache-2.0

#include "state/socket_store.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

namespace postern {
namespace {

enum Word : std::size_t {
  kNumber,
  kCookie,
  kState,
  kEnds,
  kLocal,
  kRemote = kLocal + 2,
  kUnused = kRemote + 2,
};

enum Has : std::uint64_t { kHasCookie = 1, kHasFlow = 2 };

constexpr unsigned kOriginShift = 32;
constexpr unsigned kStandingShift = 40;
constexpr unsigned kHasShift = 48;

using Content = RecordFile::Content;

void PutAddress(Content& content, std::size_t word, const IpAddress& address) {
  const ConstBytes octets = address.octets();
  std::memcpy(&content.at(word), octets.data(), octets.size());
}

IpAddress AddressIn(const Content& content, std::size_t word, IpFamily family) {
  std::array<std::uint8_t, 16> octets{};
  std::memcpy(octets.data(), &content.at(word), octets.size());
  return IpAddress::FromOctets(ConstBytes(octets).first(BitsOf(family) / 8));
}

void PutFlow(Content& content, const FlowKey& flow) {
  content[kEnds] = std::uint64_t{flow.local_port} |
                   std::uint64_t{flow.remote_port} << 16U |
                   std::uint64_t{flow.protocol} << 32U |
                   static_cast<std::uint64_t>(flow.local.family()) << 40U;
  PutAddress(content, kLocal, flow.local);
  PutAddress(content, kRemote, flow.remote);
}

// REQUIRES: the family is one.
FlowKey FlowIn(const Content& content) {
  const auto family = static_cast<IpFamily>(content[kEnds] >> 40U & 0xffU);
  FlowKey flow;
  flow.local = AddressIn(content, kLocal, family);
  flow.remote = AddressIn(content, kRemote, family);
  flow.local_port = static_cast<std::uint16_t>(content[kEnds]);
  flow.remote_port = static_cast<std::uint16_t>(content[kEnds] >> 16U);
  flow.protocol = static_cast<std::uint8_t>(content[kEnds] >> 32U);
  return flow;
}

Content ContentOf(std::uint64_t number, const SocketRecord& record) {
  Content content{};
  content[kNumber] = number;
  content[kState] = std::uint64_t{record.levels.Pack()} |
                    static_cast<std::uint64_t>(record.origin) << kOriginShift |
                    static_cast<std::uint64_t>(record.standing)
                        << kStandingShift;
  if (record.cookie) {
    content[kState] |= std::uint64_t{kHasCookie} << kHasShift;
    content[kCookie] = static_cast<std::uint64_t>(*record.cookie);
  }
  if (record.flow) {
    content[kState] |= std::uint64_t{kHasFlow} << kHasShift;
    PutFlow(content, *record.flow);
  }
  return content;
}

// REQUIRES: MakesSense(content).
SocketRecord RecordIn(const Content& content) {
  const std::uint64_t state = content[kState];
  const std::uint64_t has = state >> kHasShift;
  SocketRecord record;
  record.levels = LevelSet::Unpack(static_cast<std::uint32_t>(state));
  record.origin =
      static_cast<SocketRecord::Origin>(state >> kOriginShift & 0xffU);
  record.standing =
      static_cast<SocketRecord::Standing>(state >> kStandingShift & 0xffU);
  if ((has & kHasCookie) != 0) {
    record.cookie = SocketCookie{content[kCookie]};
  }
  if ((has & kHasFlow) != 0) {
    record.flow = FlowIn(content);
  }
  return record;
}

bool IsFamily(std::uint64_t number) {
  return number == static_cast<std::uint64_t>(IpFamily::kV4) ||
         number == static_cast<std::uint64_t>(IpFamily::kV6);
}

bool AreLevels(std::uint32_t packed) {
  const LevelSet levels = LevelSet::Unpack(packed);
  return levels.Pack() == packed &&
         std::all_of(
             kCategories.begin(), kCategories.end(), [&](Category category) {
               return FindLevel(NameOf(levels.of(category))).has_value();
             });
}

// Whether it is exactly what ContentOf() makes of some record.
bool MakesSense(const Content& content) {
  const std::uint64_t state = content[kState];
  const std::uint64_t has = state >> kHasShift;
  const bool readable =
      content[kNumber] != 0 && AreLevels(static_cast<std::uint32_t>(state)) &&
      (state >> kOriginShift & 0xffU) <= 1 &&
      (state >> kStandingShift & 0xffU) <= 1 && has != 0 &&
      has <= (kHasCookie | kHasFlow) &&
      ((has & kHasFlow) == 0 || IsFamily(content[kEnds] >> 40U & 0xffU));
  return readable && ContentOf(content[kNumber], RecordIn(content)) == content;
}

bool IsFree(const Content& content) {
  return content == Content{};
}

Error WithAdvice(const Error& error) {
  if (error.code != ErrorCode::kInvalid &&
      error.code != ErrorCode::kUnsupported) {
    return error;
  }
  return {error.code,
          error.message +
              ". It remembers the levels of sockets. End the programs of this "
              "host and delete the file, then start posternd again; sockets "
              "that stay open without it lose their levels."};
}

}  // namespace

Result<std::shared_ptr<SocketStore>> SocketStore::Open(
    const std::filesystem::path& path, const RecordFile::Life& life,
    const RecordFile::Limits& limits) {
  Result<std::unique_ptr<RecordFile>> file =
      RecordFile::Open(path, life, limits);
  if (!file.ok()) {
    return WithAdvice(file.error());
  }
  std::shared_ptr<SocketStore> store(new SocketStore(std::move(*file)));
  if (Status sound = store->TakeStock(path); !sound.ok()) {
    return WithAdvice(sound.error());
  }
  return store;
}

Status SocketStore::TakeStock(const std::filesystem::path& path) {
  const MutexLock lock(mutex_);
  // The first places are taken first.
  for (std::size_t place = file_->size(); place-- > 0;) {
    const Content content = file_->Read(place);
    if (IsFree(content)) {
      free_.push_back(static_cast<std::uint32_t>(place));
    } else if (!MakesSense(content)) {
      return Invalid(path.string() + " is damaged: record " +
                     std::to_string(place) + " makes no sense");
    }
    last_number_ = std::max(last_number_, content[kNumber]);
  }
  return Ok();
}

Result<SocketJournal::Line> SocketStore::Add(const SocketRecord& record) {
  const MutexLock lock(mutex_);
  if (free_.empty()) {
    const std::size_t before = file_->size();
    if (Status grown = file_->Grow(); !grown.ok()) {
      return grown.error();
    }
    for (std::size_t place = file_->size(); place-- > before;) {
      free_.push_back(static_cast<std::uint32_t>(place));
    }
  }
  const Line line{.number = ++last_number_, .place = free_.back()};
  free_.pop_back();
  file_->Write(line.place, ContentOf(line.number, record));
  return line;
}

// Not when its record has been removed, and its place perhaps been taken.
bool SocketStore::IsWritten(Line line) const {
  return line.number != 0 && file_->Read(line.place)[kNumber] == line.number;
}

template <typename Edit>
void SocketStore::Change(Line line, const Edit& edit) {
  const MutexLock lock(mutex_);
  if (IsWritten(line)) {
    SocketRecord record = RecordIn(file_->Read(line.place));
    edit(record);
    file_->Write(line.place, ContentOf(line.number, record));
  }
}

void SocketStore::SetLevel(Line line, Category category, Level level) {
  Change(line, [&](SocketRecord& record) {
    record.levels.Set(category, level);
    record.origin = SocketRecord::Origin::kAsked;
  });
}

void SocketStore::SetCookie(Line line, SocketCookie cookie) {
  Change(line, [&](SocketRecord& record) { record.cookie = cookie; });
}

void SocketStore::SetFlow(Line line, const std::optional<FlowKey>& flow) {
  Change(line, [&](SocketRecord& record) { record.flow = flow; });
}

void SocketStore::Retire(Line line) {
  Change(line, [](SocketRecord& record) {
    record.standing = SocketRecord::Standing::kRetired;
  });
}

void SocketStore::Remove(Line line) {
  const MutexLock lock(mutex_);
  if (IsWritten(line)) {
    file_->Write(line.place, Content{});
    free_.push_back(line.place);
  }
}

void SocketStore::ForEach(const Visit& visit) const {
  const MutexLock lock(mutex_);
  for (std::size_t place = 0; place < file_->size(); ++place) {
    const Content content = file_->Read(place);
    if (!IsFree(content)) {
      visit({.number = content[kNumber],
             .place = static_cast<std::uint32_t>(place)},
            RecordIn(content));
    }
  }
}

}  // namespace postern
