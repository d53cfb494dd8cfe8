// SPDX-License-Identifier: Apache-2.0
//
// A SocketStore is the SocketJournal that survives the daemon: a RecordFile in
// the run directory, with one record for each policy of the socket table.
//
//     auto store = SocketStore::Open("/run/postern/a/sockets", life);
//     sockets.ResumeFrom(*store, now);           before any packet passes
//
// Wishes are of any length: they lie in parts, which are written before the
// record that names them and freed after it names others (state/socket_layout.h
// has every word).
//
// What makes no sense is damage, like a wrong checksum: the file is refused,
// because forgetting a level would send what it protects in clear.
//
// Thread safety: Thread-safe (one lock; the system call that grows the file,
// once in 2048 new records, is made under it).
// Cost: about 0.1 us a change. Open(): O(records).

#ifndef POSTERN_STATE_SOCKET_STORE_H_
#define POSTERN_STATE_SOCKET_STORE_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "core/mutex.h"
#include "policy/socket_journal.h"
#include "state/record_file.h"

namespace postern {

struct WishPlaces;

class SocketStore : public SocketJournal {
 public:
  // Errors: those of RecordFile::Open(); a damaged file's says what to do.
  static Result<std::shared_ptr<SocketStore>> Open(
      const std::filesystem::path& path, const RecordFile::Life& life,
      const RecordFile::Limits& limits = RecordFile::Limits());

  Result<Line> Add(const SocketRecord& record) override;
  void SetLevel(Line line, Category category, Level level) override;
  void SetCookie(Line line, SocketCookie cookie) override;
  void SetFlow(Line line, const std::optional<FlowKey>& flow) override;
  Status SetWishes(Line line, ConstBytes wishes) override;
  void Retire(Line line) override;
  void Remove(Line line) override;
  void ForEach(const Visit& visit) const override;

 private:
  explicit SocketStore(std::unique_ptr<RecordFile> file)
      : file_(std::move(file)) {}

  Status TakeStock(const std::filesystem::path& path);
  bool ClaimWishes(const RecordFile::Content& content,
                   std::vector<bool>& in_use) const POSTERN_REQUIRES(mutex_);

  Status Reserve(std::size_t places) POSTERN_REQUIRES(mutex_);
  void Free(std::size_t place) POSTERN_REQUIRES(mutex_);
  WishPlaces WriteWishes(ConstBytes wishes) POSTERN_REQUIRES(mutex_);
  std::vector<std::uint8_t> ReadWishes(const WishPlaces& wishes) const
      POSTERN_REQUIRES(mutex_);
  void FreeWishes(const WishPlaces& wishes) POSTERN_REQUIRES(mutex_);

  bool IsWritten(Line line) const POSTERN_REQUIRES(mutex_);
  template <typename Edit>
  void Change(Line line, const Edit& edit);

  mutable Mutex mutex_;
  const std::unique_ptr<RecordFile> file_ POSTERN_PT_GUARDED_BY(mutex_);
  std::vector<std::uint32_t> free_ POSTERN_GUARDED_BY(mutex_);
  std::uint64_t last_number_ POSTERN_GUARDED_BY(mutex_) = 0;
};

}  // namespace postern

#endif  // POSTERN_STATE_SOCKET_STORE_H_
