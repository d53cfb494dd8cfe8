// SPDX-License-Identifier: Apache-2.0

#include "state/socket_store.h"

#include <algorithm>
#include <string>

#include "state/socket_layout.h"

namespace postern {
namespace {

Error TooManyWishes() {
  return Invalid("what a socket asks for is too long to be remembered");
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
  std::vector<bool> in_use(file_->size());
  for (std::size_t place = 0; place < file_->size(); ++place) {
    const SocketContent content = file_->Read(place);
    last_number_ = std::max(last_number_, NumberIn(content));
    if (IsFree(content) || IsPart(content)) {
      continue;
    }
    if (!MakesSense(content) || !ClaimWishes(content, in_use)) {
      return Invalid(path.string() + " is damaged: record " +
                     std::to_string(place) + " makes no sense");
    }
    in_use[place] = true;
  }
  // The first places are taken first. Parts that belong to nobody are what a
  // kill left of wishes that were being changed.
  for (std::size_t place = file_->size(); place-- > 0;) {
    if (!in_use[place]) {
      Free(place);
    }
  }
  return Ok();
}

// Whether its wishes are there, all of them and nobody else's.
bool SocketStore::ClaimWishes(const SocketContent& content,
                              std::vector<bool>& in_use) const {
  const WishPlaces wishes = WishesIn(content);
  std::size_t place = wishes.first;
  for (std::size_t left = PartsFor(wishes.octets); left > 0; --left) {
    if (place >= in_use.size() || in_use[place] ||
        !IsPart(file_->Read(place))) {
      return false;
    }
    in_use[place] = true;
    const WishPart part = PartIn(file_->Read(place));
    if (part.number != wishes.number || part.has_next != (left > 1)) {
      return false;
    }
    place = part.next;
  }
  return wishes.octets <= kMostWishes;
}

void SocketStore::Free(std::size_t place) {
  if (!IsFree(file_->Read(place))) {
    file_->Write(place, SocketContent{});
  }
  free_.push_back(static_cast<std::uint32_t>(place));
}

// Makes sure of so many free places. Errors: kExhausted.
Status SocketStore::Reserve(std::size_t places) {
  while (free_.size() < places) {
    const std::size_t before = file_->size();
    if (Status grown = file_->Grow(); !grown.ok()) {
      return grown;
    }
    for (std::size_t place = file_->size(); place-- > before;) {
      free_.push_back(static_cast<std::uint32_t>(place));
    }
  }
  return Ok();
}

// Nobody knows of the parts until a record names them.
// REQUIRES: so many places are reserved.
WishPlaces SocketStore::WriteWishes(ConstBytes wishes) {
  if (wishes.empty()) {
    return {};
  }
  WishPlaces places{.octets = static_cast<std::uint32_t>(wishes.size()),
                    .first = 0,
                    .number = ++last_number_};
  // From the last part to the first, so that each knows the next.
  for (std::size_t left = PartsFor(wishes.size()); left > 0; --left) {
    const std::size_t place = free_.back();
    free_.pop_back();
    const bool is_last = left == PartsFor(wishes.size());
    const ConstBytes octets = wishes.subspan((left - 1) * kPartOctets);
    file_->Write(place,
                 ContentOf(WishPart{.number = places.number,
                                    .has_next = !is_last,
                                    .next = places.first},
                           octets.first(std::min(octets.size(), kPartOctets))));
    places.first = place;
  }
  return places;
}

std::vector<std::uint8_t> SocketStore::ReadWishes(
    const WishPlaces& wishes) const {
  std::vector<std::uint8_t> octets;
  std::size_t place = wishes.first;
  while (octets.size() < wishes.octets) {
    const SocketContent content = file_->Read(place);
    AppendOctets(content, wishes.octets - octets.size(), octets);
    place = PartIn(content).next;
  }
  return octets;
}

// REQUIRES: no record names them any more.
void SocketStore::FreeWishes(const WishPlaces& wishes) {
  std::size_t place = wishes.first;
  for (std::size_t left = PartsFor(wishes.octets); left > 0; --left) {
    const std::size_t next = PartIn(file_->Read(place)).next;
    Free(place);
    place = next;
  }
}

Result<SocketJournal::Line> SocketStore::Add(const SocketRecord& record) {
  if (record.wishes.size() > kMostWishes) {
    return TooManyWishes();
  }
  const MutexLock lock(mutex_);
  if (Status room = Reserve(1 + PartsFor(record.wishes.size())); !room.ok()) {
    return room.error();
  }
  const WishPlaces wishes = WriteWishes(record.wishes);
  const Line line{.number = ++last_number_, .place = free_.back()};
  free_.pop_back();
  file_->Write(line.place, ContentOf(line.number, record, wishes));
  return line;
}

// Not when its record has been removed, and its place perhaps been taken.
bool SocketStore::IsWritten(Line line) const {
  return line.number != 0 && NumberIn(file_->Read(line.place)) == line.number;
}

template <typename Edit>
void SocketStore::Change(Line line, const Edit& edit) {
  const MutexLock lock(mutex_);
  if (IsWritten(line)) {
    const SocketContent content = file_->Read(line.place);
    SocketRecord record = RecordIn(content);
    edit(record);
    file_->Write(line.place, ContentOf(line.number, record, WishesIn(content)));
  }
}

Status SocketStore::SetWishes(Line line, ConstBytes wishes) {
  if (wishes.size() > kMostWishes) {
    return TooManyWishes();
  }
  const MutexLock lock(mutex_);
  if (!IsWritten(line)) {
    return Ok();
  }
  if (Status room = Reserve(PartsFor(wishes.size())); !room.ok()) {
    return room;
  }
  const SocketContent content = file_->Read(line.place);
  SocketRecord record = RecordIn(content);
  record.origin = SocketRecord::Origin::kAsked;
  file_->Write(line.place, ContentOf(line.number, record, WriteWishes(wishes)));
  FreeWishes(WishesIn(content));
  return Ok();
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
    const WishPlaces wishes = WishesIn(file_->Read(line.place));
    Free(line.place);
    FreeWishes(wishes);
  }
}

void SocketStore::ForEach(const Visit& visit) const {
  const MutexLock lock(mutex_);
  for (std::size_t place = 0; place < file_->size(); ++place) {
    const SocketContent content = file_->Read(place);
    if (!IsFree(content) && !IsPart(content)) {
      SocketRecord record = RecordIn(content);
      record.wishes = ReadWishes(WishesIn(content));
      visit({.number = NumberIn(content),
             .place = static_cast<std::uint32_t>(place)},
            record);
    }
  }
}

}  // namespace postern
