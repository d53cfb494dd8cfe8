// SPDX-License-Identifier: Apache-2.0
//
// The daemon's promise, without the daemon: a process that numbers packets from
// reserved blocks is killed at any moment, again and again, and no number ever
// comes twice. What the disk refuses is refused by the counter.

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <random>
#include <set>

#include "gtest/gtest.h"

#include "core/seq/sequence_counter.h"
#include "core/unique_fd.h"
#include "state/sequence_store.h"
#include "tests/unit/sadb/example_sa.h"
#include "tests/unit/state/temporary_directory.h"

namespace postern {
namespace {

constexpr std::uint64_t kLimit = 0xffffffff;
constexpr std::uint64_t kBlock = 16;  // small, so that kills meet writes

// The child: sends numbers down the pipe as the daemon would packets, until it
// is killed.
[[noreturn]] void SendNumbers(const std::filesystem::path& directory, int out) {
  Result<SequenceStore> store = SequenceStore::Open(directory);
  if (!store.ok()) {
    std::_Exit(2);
  }
  const KeyFingerprint key = store->Fingerprint(GcmSa()).value();
  const auto start = store->Begin(key, kBlock, kLimit);
  if (!start.ok()) {
    std::_Exit(3);
  }
  SequenceCounter counter(SequenceNumbers::k32Bit, start->last_used,
                          start->reserved);
  for (;;) {
    const Opinion<std::uint64_t> number = counter.Next();
    if (number.ok()) {
      const std::uint64_t value = *number;
      if (::write(out, &value, sizeof(value)) != sizeof(value)) {
        std::_Exit(4);
      }
      continue;
    }
    const auto end = store->Extend(key, counter.reserved() + kBlock);
    if (!end.ok()) {
      std::_Exit(5);
    }
    counter.Reserve(*end);
  }
}

std::optional<std::uint64_t> ReadNumber(int in) {
  std::uint64_t value = 0;  // eight octets are written and read as one
  const ssize_t got = ::read(in, &value, sizeof(value));
  return got == sizeof(value) ? std::optional(value) : std::nullopt;
}

// Runs a child until it has sent `count` numbers, kills it, and collects
// everything it sent. Returns how many of them had been seen before.
std::size_t RunAndKill(const std::filesystem::path& directory,
                       std::size_t count, std::set<std::uint64_t>& seen) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  const UniqueFd in(ends[0]);
  UniqueFd out(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    SendNumbers(directory, out.get());
  }
  out.reset();
  std::size_t repeated = 0;
  std::size_t received = 0;
  for (auto number = ReadNumber(in.get()); number.has_value();
       number = ReadNumber(in.get())) {
    repeated += seen.insert(*number).second ? 0U : 1U;
    if (++received == count) {
      EXPECT_EQ(::kill(child, SIGKILL), 0);
    }
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the child gave up: " << status;
  return repeated;
}

// DEF-40
// RPL-20, GCM-01.
TEST(SequenceStoreCrash, NoNumberComesTwiceHoweverOftenItIsKilled) {
  const TemporaryDirectory temporary;
  std::mt19937 dice(2026);
  std::uniform_int_distribution<std::size_t> after(1, 200);
  std::set<std::uint64_t> seen;
  for (int run = 0; run < 40; ++run) {
    EXPECT_EQ(RunAndKill(temporary.path() / "state", after(dice), seen), 0u);
    ASSERT_FALSE(::testing::Test::HasFailure()) << "in run " << run;
  }
  EXPECT_GE(seen.size(), 40u);
}

// The child of the next test; its exit status says what it found.
enum Found : int {
  kFailsClosed = 0,
  kCouldNotBegin,
  kExtended,
  kNumberNotRefused,
  kBelievedAfterwards,
};

// No file may grow any more: the nearest thing to a full disk that needs
// neither privilege nor a disk.
Found ExtendOnAFullDisk(const std::filesystem::path& directory) {
  Result<SequenceStore> store = SequenceStore::Open(directory);
  const KeyFingerprint key = store->Fingerprint(GcmSa()).value();
  const auto start = store->Begin(key, 2, kLimit);
  if (!start.ok()) {
    return kCouldNotBegin;
  }
  SequenceCounter counter(SequenceNumbers::k32Bit, start->last_used,
                          start->reserved);
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_FSIZE, &none);
  const auto end = store->Extend(key, 100);
  if (end.ok()) {
    return kExtended;
  }
  counter.Reserve(start->reserved);
  const bool reserved_ones_work = counter.Next().ok() && counter.Next().ok();
  const Opinion<std::uint64_t> beyond = counter.Next();
  if (!reserved_ones_work || beyond.ok() ||
      beyond.error() != DropReason::kSequenceNotReserved) {
    return kNumberNotRefused;
  }
  // What could not be written once is not believed later, either.
  store->End(key);
  return store->Begin(key, 2, kLimit).ok() ? kBelievedAfterwards : kFailsClosed;
}

// DEF-40
TEST(SequenceStoreCrash, AFullDiskStopsTheCounter) {
  const TemporaryDirectory temporary;
  const std::filesystem::path directory = temporary.path() / "state";
  const pid_t child = ::fork();
  if (child == 0) {
    std::_Exit(ExtendOnAFullDisk(directory));
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), kFailsClosed);

  // With room again, everything that was reserved is held for used.
  Result<SequenceStore> store = SequenceStore::Open(directory);
  ASSERT_TRUE(store.ok()) << store.error().message;
  const KeyFingerprint key = store->Fingerprint(GcmSa()).value();
  EXPECT_EQ(store->Begin(key, 2, kLimit)->last_used, 2u);
}

}  // namespace
}  // namespace postern
