// SPDX-License-Identifier: Apache-2.0
//
// A RecordFile is a file of fixed-size records in memory (mmap), for what must
// survive the death of the process at any instruction, but not of the machine:
// a change is a few stores, no system call, and nothing is flushed to a disk.
//
//     0       header: format, whose life it belongs to, checksum
//     256     redo:   commit | checksum | one record
//     4096    record 0 | record 1 | ...      128 octets each
//
//     a record:  checksum of the rest | 15 words of content
//                or all zero: free
//
// Write() first puts the record into the redo area, commits that with a single
// store, then copies it to its place and clears the commit:
//
//     redo.record = new; redo.checksum      killed: the old record holds
//     redo.commit = place + 1               from here on: the new one
//     records[place] = new                  killed: Open() does it again
//     redo.commit = 0
//
// So whoever opens the file finds each record whole, as it was before or after
// the change; any other wrong checksum is damage. A kill comes between two
// instructions, hence only the compiler is told to keep the order of the
// stores.
//
// Lives. Sockets live as long as a network namespace of one boot: a file of
// another boot or namespace says nothing about those of today and is started
// anew. A damaged one is refused, because it may hide what must not be
// forgotten.
//
// Room. The file grows by a number of records at a time, which the file system
// grants beforehand (posix_fallocate), so that a store never meets a full disk
// (SIGBUS). Put it on a tmpfs: file systems that copy on write grant nothing.
//
// Thread safety: none of its own: its owner takes care that one thread at a
// time is inside. One process at a time may have the file open.
// Cost: Write() copies 128 octets twice, about 50 ns. Grow() is one system
// call. The file is never made smaller.

#ifndef POSTERN_STATE_RECORD_FILE_H_
#define POSTERN_STATE_RECORD_FILE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "core/error.h"
#include "core/unique_fd.h"

namespace postern {

class RecordFile {
 public:
  static constexpr std::size_t kHeaderOctets = 4096;
  static constexpr std::size_t kRecordOctets = 128;

  // All zero is no record.
  using Content = std::array<std::uint64_t, 15>;

  struct Life {
    std::string boot;  // ReadBootId(): at most 40 octets
    std::uint64_t network_namespace = 0;
  };

  struct Limits {
    std::size_t step = 2048;       // records by which the file grows
    std::size_t most = 1'048'576;  // records
  };

  // The file, made if it is missing or of another life.
  // Errors: kForbidden (not a plain file of our own that nobody else may
  // touch), kInvalid (damaged, or no such file; nothing is changed),
  // kUnsupported (another format), kSystem.
  static Result<std::unique_ptr<RecordFile>> Open(
      const std::filesystem::path& path, const Life& life,
      const Limits& limits);

  ~RecordFile();
  RecordFile(const RecordFile&) = delete;
  RecordFile& operator=(const RecordFile&) = delete;

  // How many records there is room for now; the new ones are free.
  std::size_t size() const { return size_; }

  // REQUIRES (both): place < size().
  Content Read(std::size_t place) const;
  void Write(std::size_t place, const Content& content);

  // Errors: kExhausted (the limit, or the file system has no room).
  Status Grow();

 private:
  struct Header;
  struct Record;
  struct Redo;

  RecordFile(std::filesystem::path path, UniqueFd fd, const Limits& limits);

  static Result<UniqueFd> OpenIfOf(const Header& wanted,
                                   const std::filesystem::path& path);
  static Status Make(const std::filesystem::path& path, const Header& header,
                     const Limits& limits);
  Status Map();
  Status Recover();
  Status CheckRecords();
  Record& At(std::size_t place) const;
  Redo& redo() const;

  const std::filesystem::path path_;
  const UniqueFd fd_;
  const Limits limits_;
  std::uint8_t* memory_ = nullptr;
  std::size_t mapped_octets_ = 0;
  std::size_t size_ = 0;
};

// The kernel's /proc/sys/kernel/random/boot_id. Errors: kSystem.
Result<std::string> ReadBootId();

}  // namespace postern

#endif  // POSTERN_STATE_RECORD_FILE_H_
