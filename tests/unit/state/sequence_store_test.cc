// SPDX-License-Identifier: Apache-2.0

#include "state/sequence_store.h"

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "core/seq/sequence_counter.h"
#include "tests/unit/sadb/example_sa.h"
#include "tests/unit/state/temporary_directory.h"

namespace postern {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kLimit = 0xffffffff;

KeyFingerprint Fingerprint(std::uint8_t number) {
  KeyFingerprint key;
  key.octets.fill(number);
  return key;
}

template <typename T>
void ExpectRefused(const Result<T>& result, ErrorCode code,
                   std::string_view part) {
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, code) << result.error().message;
  EXPECT_THAT(result.error().message, HasSubstr(std::string(part)));
}

mode_t ModeOf(const std::filesystem::path& path) {
  struct stat found {};

  return ::stat(path.c_str(), &found) == 0 ? found.st_mode & 07777U : 0U;
}

class SequenceStoreTest : public ::testing::Test {
 protected:
  SequenceStore Open() {
    Result<SequenceStore> store = SequenceStore::Open(directory_);
    EXPECT_TRUE(store.ok()) << store.error().message;
    return std::move(store).value();
  }

  // Replaces the database by these octets.
  void Overwrite(const std::string& content) {
    std::ofstream(file_, std::ios::binary | std::ios::trunc) << content;
  }

  std::string Content() const {
    std::ifstream in(file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  TemporaryDirectory temporary_;
  const std::filesystem::path directory_ = temporary_.path() / "state";
  const std::filesystem::path file_ = directory_ / "sequence-numbers.db";
  const KeyFingerprint key_ = Fingerprint(1);
};

TEST_F(SequenceStoreTest, MakesAPrivateDirectoryAndFiles) {
  SequenceStore store = Open();
  ASSERT_TRUE(store.Begin(key_, 10, kLimit).ok());
  EXPECT_EQ(ModeOf(directory_), 0700u);
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    EXPECT_EQ(ModeOf(entry.path()), 0600u) << entry.path();
  }
}

TEST_F(SequenceStoreTest, StartsANewKeyAtTheBeginning) {
  SequenceStore store = Open();
  const auto start = store.Begin(key_, 1000, kLimit);
  ASSERT_TRUE(start.ok());
  EXPECT_EQ(start->last_used, 0u);
  EXPECT_EQ(start->reserved, 1000u);
}

TEST_F(SequenceStoreTest, HoldsWhatWasReservedForUsed) {  // RPL-20
  {
    SequenceStore store = Open();
    ASSERT_TRUE(store.Begin(key_, 1000, kLimit).ok());
    EXPECT_EQ(store.Extend(key_, 2500).value(), 2500u);
  }

  SequenceStore store = Open();
  const auto again = store.Begin(key_, 1000, kLimit);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->last_used, 2500u);
  EXPECT_EQ(again->reserved, 3500u);
}

TEST_F(SequenceStoreTest, HoldsItForUsedInTheSameRun) {
  SequenceStore store = Open();
  ASSERT_TRUE(store.Begin(key_, 1000, kLimit).ok());
  store.End(key_);
  EXPECT_EQ(store.Begin(key_, 1000, kLimit)->last_used, 1000u);
}

TEST_F(SequenceStoreTest, KeepsKeysApart) {
  SequenceStore store = Open();
  ASSERT_TRUE(store.Begin(key_, 1000, kLimit).ok());
  EXPECT_EQ(store.Begin(Fingerprint(2), 10, kLimit)->last_used, 0u);
  EXPECT_EQ(store.Extend(Fingerprint(2), 20).value(), 20u);
  store.End(key_);
  EXPECT_EQ(store.Begin(key_, 1, kLimit)->last_used, 1000u);
}

TEST_F(SequenceStoreTest, NeverReservesBeyondTheLimit) {
  SequenceStore store = Open();
  EXPECT_EQ(store.Begin(key_, 1000, 1500)->reserved, 1000u);
  EXPECT_EQ(store.Extend(key_, 2000).value(), 1500u);
  EXPECT_EQ(store.Extend(key_, 2000).value(), 1500u);
  store.End(key_);
  ExpectRefused(store.Begin(key_, 1, 1500), ErrorCode::kExhausted,
                "give the SA a new key");
}

TEST_F(SequenceStoreTest, CountsTo64Bits) {
  const std::uint64_t limit =
      SequenceCounter::Limit(SequenceNumbers::kExtended);
  {
    SequenceStore store = Open();
    EXPECT_EQ(store.Begin(key_, limit - 5, limit)->reserved, limit - 5);
  }
  SequenceStore store = Open();
  const auto last = store.Begin(key_, 1000, limit);
  ASSERT_TRUE(last.ok());
  EXPECT_EQ(last->last_used, limit - 5);
  EXPECT_EQ(last->reserved, limit);
  store.End(key_);
  // 32-bit numbers cannot go on where 64-bit ones have been.
  ExpectRefused(store.Begin(key_, 1, kLimit), ErrorCode::kExhausted,
                "4294967295 is the largest");
}

TEST_F(SequenceStoreTest, NeverGoesBack) {
  SequenceStore store = Open();
  ASSERT_TRUE(store.Begin(key_, 1000, kLimit).ok());
  EXPECT_EQ(store.Extend(key_, 10).value(), 1000u);
  store.End(key_);
  EXPECT_EQ(store.Begin(key_, 1, kLimit)->last_used, 1000u);
}

TEST_F(SequenceStoreTest, RefusesAKeyThatIsInUse) {  // GCM-01
  SequenceStore store = Open();
  ASSERT_TRUE(store.Begin(key_, 10, kLimit).ok());
  ExpectRefused(store.Begin(key_, 10, kLimit), ErrorCode::kExists, "in use");
  EXPECT_EQ(store.Extend(key_, 20).value(), 20u);
}

TEST_F(SequenceStoreTest, RefusesToExtendAKeyThatIsNotInUse) {
  SequenceStore store = Open();
  ExpectRefused(store.Extend(key_, 20), ErrorCode::kNotFound, "begin");
  store.End(key_);  // is ignored
}

TEST_F(SequenceStoreTest, RefusesABlockOfZero) {
  SequenceStore store = Open();
  ExpectRefused(store.Begin(key_, 0, kLimit), ErrorCode::kInvalid,
                "block is 0");
}

TEST_F(SequenceStoreTest, GivesAKeyTheSameFingerprintAfterARestart) {
  const KeyFingerprint before = Open().Fingerprint(GcmSa()).value();
  EXPECT_EQ(Open().Fingerprint(GcmSa()).value(), before);
}

TEST_F(SequenceStoreTest, NeverWritesAKey) {  // SAD-23
  SaParameters sa = GcmSa();
  const std::string key = "twenty octets of key";
  sa.encryption_key =
      SecretBytes(std::vector<std::uint8_t>(key.begin(), key.end()));
  {
    SequenceStore store = Open();
    ASSERT_TRUE(store.Begin(store.Fingerprint(sa).value(), 10, kLimit).ok());
  }
  const std::string content = Content();
  ASSERT_THAT(content, HasSubstr("reservation"));
  EXPECT_EQ(content.find("twenty"), std::string::npos);
}

// ---- Refusals to open

TEST_F(SequenceStoreTest, RefusesADirectoryThatIsHeld) {
  const SequenceStore first = Open();
  ExpectRefused(SequenceStore::Open(directory_), ErrorCode::kUnavailable,
                "held by another daemon");
}

TEST_F(SequenceStoreTest, LetsGoOfTheDirectoryWhenItCloses) {
  { const SequenceStore first = Open(); }
  EXPECT_TRUE(SequenceStore::Open(directory_).ok());
}

TEST_F(SequenceStoreTest, RefusesAFileInPlaceOfTheDirectory) {
  std::ofstream(directory_) << "not a directory";
  ExpectRefused(SequenceStore::Open(directory_), ErrorCode::kSystem,
                "is not a directory");
}

TEST_F(SequenceStoreTest, RefusesADirectoryItCannotMake) {
  ExpectRefused(SequenceStore::Open(directory_ / "deeper"), ErrorCode::kSystem,
                "cannot be made");
  // Not even root may.
  ExpectRefused(SequenceStore::Open("/proc/postern"), ErrorCode::kSystem,
                "cannot be made");
}

TEST_F(SequenceStoreTest, RefusesADirectoryItCannotWriteTo) {
  ExpectRefused(SequenceStore::Open("/proc/self/fdinfo"), ErrorCode::kSystem,
                "cannot be written to");
}

TEST_F(SequenceStoreTest, RefusesADirectoryThatOthersWriteTo) {
  std::filesystem::create_directory(directory_);
  std::filesystem::permissions(directory_, std::filesystem::perms::all);
  ExpectRefused(SequenceStore::Open(directory_), ErrorCode::kForbidden,
                "chmod 700");
}

TEST_F(SequenceStoreTest, RefusesAForeignFileAndLeavesItAlone) {
  { const SequenceStore made = Open(); }
  Overwrite("A shopping list is no database, however long it may be.");
  const std::string before = Content();
  ExpectRefused(SequenceStore::Open(directory_), ErrorCode::kInvalid,
                "give every SA a new key");
  EXPECT_EQ(Content(), before);
}

TEST_F(SequenceStoreTest, RefusesAnEmptyFile) {
  { const SequenceStore made = Open(); }
  Overwrite("");
  ExpectRefused(SequenceStore::Open(directory_), ErrorCode::kInvalid,
                "damaged or not ours");
  EXPECT_EQ(Content(), "");
}

TEST_F(SequenceStoreTest, RefusesEveryTruncatedFile) {
  {
    SequenceStore store = Open();
    ASSERT_TRUE(store.Begin(key_, 10, kLimit).ok());
  }
  const std::string whole = Content();
  ASSERT_GE(whole.size(), 8192u);
  for (std::size_t size = 0; size < whole.size(); size += 512) {
    Overwrite(whole.substr(0, size));
    ExpectRefused(SequenceStore::Open(directory_), ErrorCode::kInvalid,
                  "damaged or not ours");
  }
  Overwrite(whole);
  EXPECT_EQ(Open().Begin(key_, 1, kLimit)->last_used, 10u);
}

TEST_F(SequenceStoreTest, RefusesADatabaseWithAnOverwrittenPage) {
  {
    SequenceStore store = Open();
    for (std::uint8_t i = 0; i < 200; ++i) {
      ASSERT_TRUE(store.Begin(Fingerprint(i), 10, kLimit).ok());
    }
  }
  std::string content = Content();
  constexpr std::size_t kPage = 4096;
  ASSERT_GT(content.size(), 4 * kPage);
  content.replace(3 * kPage, kPage, kPage, '\xa5');
  Overwrite(content);
  ExpectRefused(SequenceStore::Open(directory_), ErrorCode::kInvalid,
                "damaged or not ours");
}

TEST_F(SequenceStoreTest, RefusesALogWithoutItsDatabase) {
  { const SequenceStore made = Open(); }
  std::filesystem::rename(file_, file_.string() + "-wal");
  ExpectRefused(SequenceStore::Open(directory_), ErrorCode::kInvalid,
                "its log is there");
}

TEST_F(SequenceStoreTest, StartsOverAfterACrashInItsMaking) {
  std::filesystem::create_directory(directory_);
  std::filesystem::permissions(directory_, std::filesystem::perms::owner_all);
  std::ofstream(file_.string() + ".new") << "half of a datab";
  SequenceStore store = Open();
  EXPECT_EQ(store.Begin(key_, 10, kLimit)->last_used, 0u);
}

}  // namespace
}  // namespace postern
