// SPDX-License-Identifier: Apache-2.0

#include "state/record_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>
#include <span>
#include <utility>

#include "state/own_file.h"

namespace postern {
namespace {

constexpr std::array<char, 8> kMagic = {'p', 'o', 's', 't', 'r', 'e', 'c', '1'};
constexpr std::uint32_t kFormat = 1;
constexpr std::size_t kRedoOffset = 256;
constexpr mode_t kMode = 0600;

// FNV-1a over words. Each step maps different states to different states, so a
// change within one word never goes unnoticed.
std::uint64_t Checksum(std::span<const std::uint64_t> words,
                       std::uint64_t seed) {
  constexpr std::uint64_t kBasis = 0xcbf29ce484222325;
  constexpr std::uint64_t kPrime = 0x100000001b3;
  std::uint64_t sum = (kBasis ^ seed) * kPrime;
  for (const std::uint64_t word : words) {
    sum = (sum ^ word) * kPrime;
    sum ^= sum >> 32U;
  }
  return sum;
}

// Stores before this line come before those behind it.
void KeepOrder() {
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

bool IsZero(std::span<const std::uint64_t> words) {
  return std::all_of(words.begin(), words.end(),
                     [](std::uint64_t word) { return word == 0; });
}

Error Damaged(const std::filesystem::path& path, const std::string& how) {
  return Invalid(path.string() + " is damaged: " + how);
}

// 0, or an errno.
int Reserve(int fd, off_t from, off_t octets) {
  int error = EINTR;
  while (error == EINTR) {
    error = ::posix_fallocate(fd, from, octets);
  }
  return error;
}

}  // namespace

struct RecordFile::Header {
  std::array<char, 8> magic;
  std::uint32_t format;
  std::uint32_t record_octets;
  std::array<char, 40> boot;
  std::uint64_t network_namespace;
  std::uint64_t checksum;  // of all before it

  static std::optional<Header> Of(const Life& life) {
    Header header{.magic = kMagic,
                  .format = kFormat,
                  .record_octets = kRecordOctets,
                  .boot = {},
                  .network_namespace = life.network_namespace,
                  .checksum = 0};
    if (life.boot.size() > header.boot.size()) {
      return std::nullopt;
    }
    std::copy(life.boot.begin(), life.boot.end(), header.boot.begin());
    header.checksum = header.Sum();
    return header;
  }

  std::uint64_t Sum() const {
    std::array<std::uint64_t, offsetof(Header, checksum) / 8> words{};
    std::memcpy(words.data(), this, sizeof(words));
    return Checksum(words, 0);
  }

  bool IsOfSameLife(const Header& other) const {
    return boot == other.boot && network_namespace == other.network_namespace;
  }

  // Errors: kInvalid, kUnsupported.
  Status Check(const std::filesystem::path& path) const {
    if (magic != kMagic || checksum != Sum()) {
      return Damaged(path, "its header is not right");
    }
    if (format != kFormat || record_octets != kRecordOctets) {
      return Error{
          ErrorCode::kUnsupported,
          path.string() + " was written by another version of Postern"};
    }
    return Ok();
  }
};

struct RecordFile::Record {
  std::uint64_t checksum;
  Content content;

  static Record Of(const Content& content) {
    return {IsZero(content) ? 0 : Checksum(content, 0), content};
  }

  bool IsWhole() const { return checksum == Of(content).checksum; }
};

struct RecordFile::Redo {
  std::uint64_t commit;    // 0: nothing to do again; else the place + 1
  std::uint64_t checksum;  // of the record, for this place
  Record record;

  static std::uint64_t SumOf(const Record& record, std::uint64_t commit) {
    return Checksum(record.content, commit ^ record.checksum);
  }
};

Result<std::unique_ptr<RecordFile>> RecordFile::Open(
    const std::filesystem::path& path, const Life& life, const Limits& limits) {
  static_assert(sizeof(Record) == kRecordOctets);
  static_assert(kRedoOffset + sizeof(Redo) <= kHeaderOctets);
  const std::optional<Header> wanted = Header::Of(life);
  if (!wanted) {
    return Invalid("the kernel's boot id is longer than " + path.string() +
                   " can hold");
  }
  Result<UniqueFd> fd = OpenIfOf(*wanted, path);
  if (fd.ok() && !fd->valid()) {
    if (Status made = Make(path, *wanted, limits); !made.ok()) {
      return made.error();
    }
    fd = OpenIfOf(*wanted, path);
  }
  if (!fd.ok()) {
    return fd.error();
  }
  std::unique_ptr<RecordFile> file(
      new RecordFile(path, std::move(*fd), limits));
  for (const auto step :
       {&RecordFile::Map, &RecordFile::Recover, &RecordFile::CheckRecords}) {
    if (Status done = (file.get()->*step)(); !done.ok()) {
      return done.error();
    }
  }
  return file;
}

// Owns nothing when there is no file, or one of another life.
Result<UniqueFd> RecordFile::OpenIfOf(const Header& wanted,
                                      const std::filesystem::path& path) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open is what it is
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) {
    return errno == ENOENT ? Result<UniqueFd>(UniqueFd())
                           : SystemError("opening " + path.string(), errno);
  }
  if (Status own = CheckOwn(path, fd.get()); !own.ok()) {
    return own.error();
  }
  Header header{};
  if (::pread(fd.get(), &header, sizeof(header), 0) != sizeof(header)) {
    return Damaged(path, "it ends within its header");
  }
  if (Status checked = header.Check(path); !checked.ok()) {
    return checked.error();
  }
  if (!header.IsOfSameLife(wanted)) {
    fd.reset();
  }
  return fd;
}

// Under another name first: a file that is there is complete.
Status RecordFile::Make(const std::filesystem::path& path, const Header& header,
                        const Limits& limits) {
  const std::string fresh = path.string() + ".new";
  ::unlink(fresh.c_str());
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open is what it is
  const UniqueFd fd(
      ::open(fresh.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kMode));
  if (!fd.valid()) {
    return SystemError("making " + fresh, errno);
  }
  const auto octets = static_cast<off_t>(
      kHeaderOctets + std::min(limits.step, limits.most) * kRecordOctets);
  int error = Reserve(fd.get(), 0, octets);
  if (error == 0 &&
      ::pwrite(fd.get(), &header, sizeof(header), 0) != sizeof(header)) {
    error = errno;
  }
  if (error == 0 && ::rename(fresh.c_str(), path.c_str()) != 0) {
    error = errno;
  }
  if (error != 0) {
    ::unlink(fresh.c_str());
    return SystemError("making " + path.string(), error);
  }
  return Ok();
}

RecordFile::RecordFile(std::filesystem::path path, UniqueFd fd,
                       const Limits& limits)
    : path_(std::move(path)), fd_(std::move(fd)), limits_(limits) {}

RecordFile::~RecordFile() {
  if (memory_ != nullptr) {
    ::munmap(memory_, mapped_octets_);
  }
}

// All that the file can ever become is mapped at once; what lies behind its end
// is not touched.
Status RecordFile::Map() {
  struct stat found {};

  if (::fstat(fd_.get(), &found) != 0) {
    return SystemError("looking at " + path_.string(), errno);
  }
  const auto octets = static_cast<std::size_t>(found.st_size);
  if (octets < kHeaderOctets) {
    return Damaged(path_, "it ends within its header");
  }
  size_ = (octets - kHeaderOctets) / kRecordOctets;
  // A copy may have holes, which the file system does not grant yet.
  if (const int error = Reserve(fd_.get(), 0, found.st_size); error != 0) {
    return SystemError("reserving the room of " + path_.string(), error);
  }
  mapped_octets_ =
      kHeaderOctets + std::max(size_, limits_.most) * kRecordOctets;
  void* const memory = ::mmap(nullptr, mapped_octets_, PROT_READ | PROT_WRITE,
                              MAP_SHARED, fd_.get(), 0);
  if (memory == MAP_FAILED) {
    return SystemError("mapping " + path_.string(), errno);
  }
  memory_ = static_cast<std::uint8_t*>(memory);
  return Ok();
}

// Does again what a kill may have cut short.
Status RecordFile::Recover() {
  Redo& area = redo();
  if (area.commit == 0) {
    return Ok();
  }
  const std::size_t place = area.commit - 1;
  if (place >= size_ ||
      area.checksum != Redo::SumOf(area.record, area.commit) ||
      !area.record.IsWhole()) {
    return Damaged(path_, "its last change is not right");
  }
  At(place) = area.record;
  KeepOrder();
  area.commit = 0;
  return Ok();
}

Status RecordFile::CheckRecords() {
  for (std::size_t place = 0; place < size_; ++place) {
    if (!At(place).IsWhole()) {
      return Damaged(path_,
                     "record " + std::to_string(place) + " is not right");
    }
  }
  return Ok();
}

RecordFile::Record& RecordFile::At(std::size_t place) const {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): it is mapped
  return *reinterpret_cast<Record*>(memory_ + kHeaderOctets +
                                    place * kRecordOctets);
}

RecordFile::Redo& RecordFile::redo() const {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): it is mapped
  return *reinterpret_cast<Redo*>(memory_ + kRedoOffset);
}

RecordFile::Content RecordFile::Read(std::size_t place) const {
  return At(place).content;
}

void RecordFile::Write(std::size_t place, const Content& content) {
  Redo& area = redo();
  const std::uint64_t commit = place + 1;
  area.record = Record::Of(content);
  area.checksum = Redo::SumOf(area.record, commit);
  KeepOrder();
  std::atomic_ref<std::uint64_t>(area.commit)
      .store(commit, std::memory_order_release);
  KeepOrder();
  At(place) = area.record;
  KeepOrder();
  std::atomic_ref<std::uint64_t>(area.commit)
      .store(0, std::memory_order_release);
  KeepOrder();
}

Status RecordFile::Grow() {
  const std::size_t grown = std::min(size_ + limits_.step, limits_.most);
  if (grown <= size_) {
    return Error{ErrorCode::kExhausted,
                 path_.string() + " holds as many records as it may"};
  }
  const auto from = static_cast<off_t>(kHeaderOctets + size_ * kRecordOctets);
  const auto more = static_cast<off_t>((grown - size_) * kRecordOctets);
  if (Reserve(fd_.get(), from, more) != 0) {
    return Error{
        ErrorCode::kExhausted,
        path_.string() + " cannot grow: free some room in its file system"};
  }
  size_ = grown;
  return Ok();
}

Result<std::string> ReadBootId() {
  constexpr const char* kFile = "/proc/sys/kernel/random/boot_id";
  std::ifstream stream(kFile);
  std::string boot;
  if (!(stream >> boot)) {
    return SystemError(std::string("reading ") + kFile, EIO);
  }
  return boot;
}

}  // namespace postern
