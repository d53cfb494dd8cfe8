// SPDX-License-Identifier: Apache-2.0

#include "state/socket_store.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <numeric>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "state/socket_layout.h"
#include "tests/unit/state/temporary_directory.h"

namespace postern {
namespace {

const RecordFile::Life kLife{"3f1c3a4e-0d0b-4b6f-9a57-000000000001", 4711};
constexpr RecordFile::Limits kSmall{.step = 4, .most = 10};

FlowKey FlowOf(std::string_view local, std::string_view remote) {
  FlowKey flow;
  flow.local = IpAddress::Parse(local).value();
  flow.remote = IpAddress::Parse(remote).value();
  flow.local_port = 80;
  flow.remote_port = 0xfedc;
  flow.protocol = Number(IpProtocol::kTcp);
  return flow;
}

LevelSet Levels(Level transport, Level ah, Level network) {
  LevelSet levels;
  levels.Set(Category::kEspTransport, transport);
  levels.Set(Category::kAh, ah);
  levels.Set(Category::kEspNetwork, network);
  return levels;
}

SocketRecord SocketNumber(std::uint64_t cookie) {
  return {.cookie = SocketCookie{cookie}};
}

std::vector<std::uint8_t> WishesOf(std::size_t octets) {
  std::vector<std::uint8_t> wishes(octets);
  std::iota(wishes.begin(), wishes.end(), std::uint8_t{1});
  return wishes;
}

// One of each kind: five places.
std::vector<SocketRecord> Examples() {
  return {
      {.cookie = SocketCookie{0xfedcba9876543210},
       .levels = Levels(Level::kBypass, Level::kUnique, Level::kAvail)},
      {.flow = FlowOf("10.9.1.1", "10.9.2.1"),
       .levels = Levels(Level::kNone, Level::kUse, Level::kRequire),
       .origin = SocketRecord::Origin::kInherited,
       .wishes = WishesOf(100)},
      {.cookie = SocketCookie{0},
       .flow = FlowOf("fd00:9:1::1", "fd00:9:2::ffff"),
       .levels = Levels(Level::kRequire, Level::kNone, Level::kNone),
       .origin = SocketRecord::Origin::kInherited,
       .standing = SocketRecord::Standing::kRetired},
  };
}

std::vector<SocketRecord> RecordsOf(const SocketStore& store) {
  std::vector<SocketRecord> records;
  store.ForEach([&](SocketJournal::Line, const SocketRecord& record) {
    records.push_back(record);
  });
  return records;
}

class SocketStoreTest : public ::testing::Test {
 protected:
  Result<std::shared_ptr<SocketStore>> TryOpen() const {
    return SocketStore::Open(path_, life_, limits_);
  }

  std::shared_ptr<SocketStore> Open() const {
    auto store = TryOpen();
    EXPECT_TRUE(store.ok()) << store.error().message;
    return store.ok() ? *store : nullptr;
  }

  void Refuses(ErrorCode code) const {
    const auto store = TryOpen();
    ASSERT_FALSE(store.ok());
    EXPECT_EQ(store.error().code, code) << store.error().message;
  }

  std::string ReadAll() const {
    std::ifstream stream(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  void WriteAll(const std::string& octets) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << octets;
  }

  void PutExamples() const {
    const auto store = Open();
    for (const SocketRecord& record : Examples()) {
      EXPECT_TRUE(store->Add(record).ok());
    }
  }

  const TemporaryDirectory directory_;
  const std::filesystem::path path_ = directory_.path() / "sockets";
  RecordFile::Life life_ = kLife;
  RecordFile::Limits limits_ = kSmall;
};

TEST_F(SocketStoreTest, FindsEveryKindOfRecordAgain) {  // API-44
  PutExamples();
  EXPECT_EQ(RecordsOf(*Open()), Examples());
}

TEST_F(SocketStoreTest, KeepsEveryChange) {
  PutExamples();
  {
    const auto store = Open();
    std::vector<SocketJournal::Line> lines;
    store->ForEach([&](SocketJournal::Line line, const SocketRecord&) {
      lines.push_back(line);
    });
    ASSERT_EQ(lines.size(), 3u);
    store->SetLevel(lines[0], Category::kAh, Level::kUse);
    store->SetLevel(lines[1], Category::kEspTransport, Level::kBypass);
    store->SetCookie(lines[1], SocketCookie{77});
    store->SetFlow(lines[1], std::nullopt);
    store->SetFlow(lines[0], FlowOf("10.9.1.1", "10.9.2.7"));
    store->Retire(lines[0]);
    store->Remove(lines[2]);
  }
  std::vector<SocketRecord> wanted = Examples();
  wanted[0].levels.Set(Category::kAh, Level::kUse);
  wanted[0].flow = FlowOf("10.9.1.1", "10.9.2.7");
  wanted[0].standing = SocketRecord::Standing::kRetired;
  wanted[1].levels.Set(Category::kEspTransport, Level::kBypass);
  wanted[1].origin = SocketRecord::Origin::kAsked;
  wanted[1].cookie = SocketCookie{77};
  wanted[1].flow = std::nullopt;
  wanted.pop_back();
  EXPECT_EQ(RecordsOf(*Open()), wanted);
}

TEST_F(SocketStoreTest, ALineThatOutlivesItsRecordChangesNobodyElses) {
  const auto store = Open();
  const auto old = store->Add(SocketNumber(1)).value();
  store->Remove(old);
  const auto next = store->Add(SocketNumber(2)).value();
  ASSERT_EQ(next.place, old.place);
  store->SetLevel(old, Category::kAh, Level::kUse);
  store->Retire(old);
  store->Remove(old);
  store->SetLevel({}, Category::kAh, Level::kUse);
  store->Remove({});
  EXPECT_EQ(RecordsOf(*store), std::vector{SocketNumber(2)});
}

TEST_F(SocketStoreTest, GrowsByStepsUpToItsLimit) {
  {
    const auto store = Open();
    EXPECT_EQ(std::filesystem::file_size(path_), 4096u + 4 * 128);
    for (std::uint64_t i = 0; i < 10; ++i) {
      ASSERT_TRUE(store->Add(SocketNumber(i)).ok());
    }
    EXPECT_EQ(std::filesystem::file_size(path_), 4096u + 10 * 128);
    const auto refused = store->Add(SocketNumber(10));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kExhausted);
  }
  const auto store = Open();
  EXPECT_EQ(RecordsOf(*store).size(), 10u);
  EXPECT_FALSE(store->Add(SocketNumber(10)).ok());
  store->Remove({.number = 3, .place = 2});
  EXPECT_TRUE(store->Add(SocketNumber(10)).ok());
}

TEST_F(SocketStoreTest, ReadsMoreRecordsThanItsLimitAllowsNow) {
  limits_.most = 1000;
  {
    const auto store = Open();
    for (std::uint64_t i = 0; i < 100; ++i) {
      ASSERT_TRUE(store->Add(SocketNumber(i)).ok());
    }
  }
  limits_.most = 10;
  EXPECT_EQ(RecordsOf(*Open()).size(), 100u);
}

TEST_F(SocketStoreTest, KeepsWishesOfEveryLength) {
  limits_.most = 1000;
  const auto line = Open()->Add(SocketNumber(1)).value();
  for (const std::size_t octets :
       {1U, 95U, 96U, 97U, 192U, 600U, 0U, 4096U, 7U}) {
    ASSERT_TRUE(Open()->SetWishes(line, WishesOf(octets)).ok());
    const std::vector<SocketRecord> records = RecordsOf(*Open());
    ASSERT_EQ(records.size(), 1u);
    EXPECT_EQ(records[0].wishes, WishesOf(octets)) << octets;
  }
  const Status refused = Open()->SetWishes(line, WishesOf(4097));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(RecordsOf(*Open())[0].wishes, WishesOf(7));
}

TEST_F(SocketStoreTest, AChangeOfLevelsLeavesTheWishesAlone) {
  const auto store = Open();
  const auto line =
      store->Add({.cookie = SocketCookie{1}, .wishes = WishesOf(300)}).value();
  store->SetLevel(line, Category::kAh, Level::kUse);
  store->SetFlow(line, FlowOf("10.9.1.1", "10.9.2.1"));
  store->Retire(line);
  EXPECT_EQ(RecordsOf(*store)[0].wishes, WishesOf(300));
}

TEST_F(SocketStoreTest, NoRoomForWishesLeavesTheOldOnes) {
  const auto store = Open();
  const auto line = store->Add(SocketNumber(1)).value();
  ASSERT_TRUE(store->SetWishes(line, WishesOf(4 * 96)).ok());
  const Status refused = store->SetWishes(line, WishesOf(6 * 96));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kExhausted);
  EXPECT_EQ(RecordsOf(*store)[0].wishes, WishesOf(4 * 96));
  EXPECT_FALSE(
      store->Add({.cookie = SocketCookie{2}, .wishes = WishesOf(999)}).ok());
}

// Ten places hold one record, its four old parts and four new ones.
TEST_F(SocketStoreTest, FreesTheRoomOfFormerWishes) {
  const auto store = Open();
  for (int socket = 0; socket < 20; ++socket) {
    const auto line = store->Add(SocketNumber(1)).value();
    for (int change = 0; change < 20; ++change) {
      ASSERT_TRUE(store->SetWishes(line, WishesOf(4 * 96)).ok());
    }
    store->Remove(line);
  }
  for (std::uint64_t i = 0; i < 10; ++i) {
    EXPECT_TRUE(store->Add(SocketNumber(i)).ok());
  }
}

TEST_F(SocketStoreTest, FreesPartsThatAKillLeftToNobody) {
  PutExamples();
  {
    const auto file = RecordFile::Open(path_, kLife, kSmall);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE((*file)->Grow().ok());
    (*file)->Write(7, ContentOf(WishPart{.number = 99}, WishesOf(96)));
    (*file)->Write(
        6, ContentOf(WishPart{.number = 99, .has_next = true, .next = 7},
                     WishesOf(96)));
  }
  const auto store = Open();
  EXPECT_EQ(RecordsOf(*store), Examples());
  for (std::uint64_t i = 0; i < 5; ++i) {
    EXPECT_TRUE(store->Add(SocketNumber(i)).ok());
  }
}

TEST_F(SocketStoreTest, RefusesWishesThatAreNotAllThere) {
  const auto damage = [&](const SocketContent& part) {
    std::filesystem::remove(path_);
    const auto line = Open()->Add(SocketNumber(1)).value();
    ASSERT_TRUE(Open()->SetWishes(line, WishesOf(150)).ok());
    const auto file = RecordFile::Open(path_, kLife, kSmall);
    ASSERT_TRUE(file.ok());
    std::size_t place = 0;
    while (!IsPart((*file)->Read(place)) ||
           PartIn((*file)->Read(place)).has_next) {
      ++place;
    }
    (*file)->Write(place, part);
  };
  const auto octets = WishesOf(96);
  damage(SocketContent{});
  Refuses(ErrorCode::kInvalid);
  damage(ContentOf(WishPart{.number = 99}, octets));
  Refuses(ErrorCode::kInvalid);
  damage(ContentOf(WishPart{.number = 2, .has_next = true, .next = 1}, octets));
  Refuses(ErrorCode::kInvalid);
}

// No file may grow any more: the nearest thing to a full disk that needs
// neither privilege nor a disk. 0 is what is wanted.
int FillADisk(const std::filesystem::path& path) {
  const auto store = SocketStore::Open(path, kLife, kSmall);
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_FSIZE, &none);
  for (std::uint64_t i = 0; i < 4; ++i) {
    if (!(*store)->Add(SocketNumber(i)).ok()) {
      return 1;
    }
  }
  const auto refused = (*store)->Add(SocketNumber(4));
  if (refused.ok() || refused.error().code != ErrorCode::kExhausted) {
    return 2;
  }
  (*store)->SetLevel({.number = 4, .place = 3}, Category::kAh, Level::kUse);
  return 0;
}

TEST_F(SocketStoreTest, AFullDiskRefusesNewSocketsAndSpoilsNothing) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::_Exit(FillADisk(path_));
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << "SIGBUS?";
  EXPECT_EQ(WEXITSTATUS(status), 0);
  const auto store = Open();
  EXPECT_EQ(RecordsOf(*store).size(), 4u);
  EXPECT_EQ(RecordsOf(*store)[3].levels.of(Category::kAh), Level::kUse);
  EXPECT_TRUE(store->Add(SocketNumber(4)).ok());
}

TEST_F(SocketStoreTest, BeginsAnewAfterTheMachineStartedAgain) {
  PutExamples();
  life_.boot = "3f1c3a4e-0d0b-4b6f-9a57-000000000002";
  EXPECT_TRUE(RecordsOf(*Open()).empty());
}

TEST_F(SocketStoreTest, BeginsAnewInAnotherNamespace) {
  PutExamples();
  life_.network_namespace += 1;
  EXPECT_TRUE(RecordsOf(*Open()).empty());
  life_ = kLife;
  EXPECT_TRUE(RecordsOf(*Open()).empty());
}

TEST_F(SocketStoreTest, IsForItsUserAlone) {
  PutExamples();

  struct stat made {};

  ASSERT_EQ(::stat(path_.c_str(), &made), 0);
  EXPECT_EQ(made.st_mode & 07777U, 0600u);
  ASSERT_EQ(::chmod(path_.c_str(), 0640), 0);
  Refuses(ErrorCode::kForbidden);
  ASSERT_EQ(::chmod(path_.c_str(), 0602), 0);
  Refuses(ErrorCode::kForbidden);
}

TEST_F(SocketStoreTest, RefusesAFileOfSomebodyElse) {
  PutExamples();
  if (::chown(path_.c_str(), ::geteuid() + 1, ::getegid()) != 0) {
    GTEST_SKIP() << "needs root, and more than one user";
  }
  Refuses(ErrorCode::kForbidden);
}

TEST_F(SocketStoreTest, RefusesWhatIsNoPlainFile) {
  const auto other = directory_.path() / "other";
  std::ofstream(other) << "something";
  std::filesystem::create_symlink(other, path_);
  Refuses(ErrorCode::kSystem);
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  EXPECT_FALSE(TryOpen().ok());
  std::filesystem::remove(path_);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  Refuses(ErrorCode::kForbidden);
}

TEST_F(SocketStoreTest, SaysWhatToDoWithADamagedFile) {
  PutExamples();
  std::string octets = ReadAll();
  octets[4096 + 20] ^= 1;
  WriteAll(octets);
  const auto refused = TryOpen();
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find(path_.string()), std::string::npos);
  EXPECT_NE(refused.error().message.find("delete the file"), std::string::npos);
  EXPECT_EQ(ReadAll(), octets) << "a refused file stays as it is";
}

// Either it is refused, or the octet says nothing.
TEST_F(SocketStoreTest, RefusesEveryWrongOctetThatMatters) {
  PutExamples();
  const std::string sound = ReadAll();
  ASSERT_EQ(sound.size(), 4096u + 8 * 128);
  const UniqueFd file(::open(path_.c_str(), O_WRONLY | O_CLOEXEC));
  for (std::size_t at = 0; at < sound.size(); ++at) {
    const bool matters = at < 72 || at >= 4096;
    for (const int flip : {0xff, 0x01}) {
      const auto wrong = static_cast<char>(sound[at] ^ flip);
      const auto offset = static_cast<off_t>(at);
      ASSERT_EQ(::pwrite(file.get(), &wrong, 1, offset), 1);
      const auto store = TryOpen();
      if (store.ok()) {
        EXPECT_FALSE(matters) << "octet " << at;
        EXPECT_EQ(RecordsOf(**store), Examples()) << "octet " << at;
      } else {
        EXPECT_EQ(store.error().code, ErrorCode::kInvalid);
      }
      ASSERT_EQ(::pwrite(file.get(), &sound[at], 1, offset), 1);
    }
    // The rest of the header is not used.
    at = at == 600 ? 4096 - 64 : at;
  }
}

TEST_F(SocketStoreTest, RefusesAFileThatWasCutWithinItsHeader) {
  PutExamples();
  const std::string sound = ReadAll();
  for (const unsigned size : {0U, 1U, 63U, 71U, 72U, 300U, 4095U}) {
    WriteAll(sound.substr(0, size));
    Refuses(ErrorCode::kInvalid);
  }
}

TEST_F(SocketStoreTest, RefusesARecordThatMakesNoSense) {
  {
    const auto file = RecordFile::Open(path_, kLife, kSmall);
    ASSERT_TRUE(file.ok());
    // A right checksum, but levels that nobody has.
    (*file)->Write(0, {1, 2, 0x0001000000000707, 0});
  }
  Refuses(ErrorCode::kInvalid);
}

TEST_F(SocketStoreTest, DoesNotMindWhatACrashLeftOfAFreshFile) {
  std::ofstream(path_.string() + ".new") << "half a head";
  EXPECT_TRUE(RecordsOf(*Open()).empty());
}

TEST(ReadBootId, IsTheSameTwice) {
  const auto boot = ReadBootId();
  ASSERT_TRUE(boot.ok());
  EXPECT_EQ(boot->size(), 36u);
  EXPECT_EQ(*boot, *ReadBootId());
}

}  // namespace
}  // namespace postern
