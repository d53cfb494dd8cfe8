// SPDX-License-Identifier: Apache-2.0

#include "wire/pcap_recorder.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "tests/support/pcap_reader.h"
#include "tests/unit/wire/port_fixture.h"

namespace postern {
namespace {

constexpr std::uint32_t kLinkTypeRaw = 101;

class PcapRecorderTest : public PortFixture {
 protected:
  PcapRecorderTest() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "postern-pcap-XXXXXX")
            .string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = folder_ + "/wire.pcap";
  }

  ~PcapRecorderTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<PcapRecorder> Make(std::unique_ptr<PacketPort> port) {
    auto made = PcapRecorder::Create(path_, std::move(port));
    EXPECT_TRUE(made) << made.error().message;
    return std::move(made).value();
  }

  Error RefusedAt(const std::string& path) {
    auto made = PcapRecorder::Create(path, std::move(near_));
    EXPECT_FALSE(made);
    return made.ok() ? Error{} : made.error();
  }

  std::vector<Octets> Recorded() const {
    const Result<PcapFile> file = ReadPcap(path_);
    EXPECT_TRUE(file) << file.error().message;
    std::vector<Octets> all;
    if (file) {
      EXPECT_EQ(file->link_type, kLinkTypeRaw);
      for (const PcapRecord& record : file->records) {
        all.push_back(record.octets);
      }
    }
    return all;
  }

  std::string folder_;
  std::string path_;
};

TEST_F(PcapRecorderTest, SaysOfItsPortWhatThatSays) {
  const auto recorder = Make(std::make_unique<Patient>());
  EXPECT_FALSE(recorder->IsGone(kError));
  EXPECT_EQ(recorder->NextDeadline(), Patient::kLater);
}

TEST_F(PcapRecorderTest, RecordsBothDirectionsAndPassesThemOn) {
  const auto recorder = Make(std::move(near_));
  EXPECT_EQ(recorder->mtu(), 1500U);
  EXPECT_EQ(recorder->descriptor(), -1);
  Send(*recorder, {Numbered(1), Numbered(2, 1500)});
  Send(*far_, {Numbered(3, 20)});
  EXPECT_EQ(ReceiveAll(*recorder), (std::vector<Octets>{Numbered(3, 20)}));
  EXPECT_EQ(ReceiveAll(*far_),
            (std::vector<Octets>{Numbered(1), Numbered(2, 1500)}));
  EXPECT_EQ(Recorded(), (std::vector<Octets>{Numbered(1), Numbered(2, 1500),
                                             Numbered(3, 20)}));
  EXPECT_EQ(recorder->records_lost(), 0U);
}

TEST_F(PcapRecorderTest, RecordsOnlyWhatReceiveAppended) {
  const auto recorder = Make(std::move(near_));
  Send(*far_, {Numbered(2)});
  Batch batch;
  batch.Push(pool_.Copy(Numbered(1)));
  EXPECT_EQ(recorder->Receive(batch, pool_, stats_), 1U);
  EXPECT_EQ(batch.size(), 2U);
  batch.Clear();
  EXPECT_EQ(Recorded(), (std::vector<Octets>{Numbered(2)}));
}

TEST_F(PcapRecorderTest, StampsRecordsWithTheTimeOfDay) {
  const auto recorder = Make(std::move(near_));
  const std::time_t before = std::time(nullptr);
  Send(*recorder, {Numbered(1)});
  const std::time_t after = std::time(nullptr);
  const Result<PcapFile> file = ReadPcap(path_);
  ASSERT_TRUE(file);
  const auto seconds =
      static_cast<std::time_t>(file->records[0].nanoseconds / 1'000'000'000);
  EXPECT_GE(seconds, before);
  EXPECT_LE(seconds, after);
}

// Whoever looks into the file when a packet arrives finds it there.
class LooksIntoTheFile : public PacketPort {
 public:
  explicit LooksIntoTheFile(std::string path) : path_(std::move(path)) {}

  std::size_t Receive(Batch& /*batch*/, PacketPool& /*pool*/,
                      WorkerStats& /*stats*/) override {
    return 0;
  }

  void Send(Batch& batch, WorkerStats& /*stats*/) override {
    recorded_before_sent_ += ReadPcap(path_).value().records.size();
    batch.Clear();
  }

  std::size_t mtu() const override { return 1500; }

  int descriptor() const override { return -1; }

  std::size_t recorded_before_sent() const { return recorded_before_sent_; }

 private:
  std::string path_;
  std::size_t recorded_before_sent_ = 0;
};

TEST_F(PcapRecorderTest, WritesBeforeItSends) {
  auto port = std::make_unique<LooksIntoTheFile>(path_);
  const LooksIntoTheFile& looking = *port;
  const auto recorder = Make(std::move(port));
  Send(*recorder, {Numbered(1), Numbered(2), Numbered(3)});
  EXPECT_EQ(looking.recorded_before_sent(), 3U);
}

TEST_F(PcapRecorderTest, AKilledProcessLosesNothingThatItSent) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto recorder = Make(std::move(near_));
    for (std::size_t i = 0; i < 100; ++i) {
      Send(*recorder, {Numbered(i)});
    }
    ::raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(Recorded().size(), 100U);
}

TEST_F(PcapRecorderTest, TwoThreadsRecordWholeRecords) {
  constexpr std::size_t kPackets = 20'000;
  const auto recorder = Make(std::move(near_));
  std::thread sender([&recorder] {
    PacketPool pool({.packets = 64, .payload = 2000});
    WorkerStats stats;
    for (std::size_t i = 0; i < kPackets; ++i) {
      Batch batch;
      batch.Push(pool.Copy(Numbered(i, 40 + i % 100)));
      recorder->Send(batch, stats);
    }
  });
  std::size_t received = 0;
  for (std::size_t i = 0; i < kPackets; ++i) {
    Send(*far_, {Numbered(i, 40 + i % 77)});
    received += ReceiveAll(*recorder).size();
  }
  sender.join();
  EXPECT_EQ(received, kPackets);
  const std::vector<Octets> all = Recorded();
  ASSERT_EQ(all.size(), 2 * kPackets);
  for (const Octets& octets : all) {
    const std::size_t n = std::size_t{octets[0]} * 256 + octets[1];
    EXPECT_EQ(octets, Numbered(n, octets.size()));
  }
}

// One file for the wires of several workers.
TEST_F(PcapRecorderTest, SeveralPortsRecordWholeRecordsIntoOneFile) {
  constexpr std::size_t kPackets = 5'000;
  constexpr std::size_t kPorts = 4;
  const auto writer = PcapWriter::Open(path_).value();
  std::vector<std::thread> senders;
  for (std::size_t port = 0; port < kPorts; ++port) {
    senders.emplace_back([&writer] {
      auto ends =
          MemoryPort::MakePair({.mtu_octets = 1500, .queue_packets = kPackets});
      PcapRecorder recorder(writer, std::move(ends.first));
      PacketPool pool({.packets = 64, .payload = 2000});
      WorkerStats stats;
      for (std::size_t i = 0; i < kPackets; ++i) {
        Batch batch;
        batch.Push(pool.Copy(Numbered(i, 40 + i % 100)));
        recorder.Send(batch, stats);
      }
    });
  }
  for (std::thread& sender : senders) {
    sender.join();
  }
  const std::vector<Octets> all = Recorded();
  ASSERT_EQ(all.size(), kPorts * kPackets);
  for (const Octets& octets : all) {
    const std::size_t n = std::size_t{octets[0]} * 256 + octets[1];
    EXPECT_EQ(octets, Numbered(n, octets.size()));
  }
  EXPECT_EQ(writer->records_lost(), 0U);
}

// DEF-01 of other stacks: a tap that changes what it taps.
TEST_F(PcapRecorderTest, LeavesPacketsAlone) {
  const auto recorder = Make(std::move(near_));
  Batch batch;
  batch.Push(pool_.Copy(Numbered(7)));
  recorder->Send(batch, stats_);
  far_->Receive(batch, pool_, stats_);
  const ConstBytes octets = std::as_const(*batch.begin()).bytes();
  EXPECT_EQ(Octets(octets.begin(), octets.end()), Numbered(7));
  batch.Clear();
}

TEST_F(PcapRecorderTest, ContinuesACaptureOfItsOwn) {
  auto again = MemoryPort::MakePair();
  Send(*Make(std::move(near_)), {Numbered(1)});
  Send(*Make(std::move(again.first)), {Numbered(2)});
  EXPECT_EQ(Recorded(), (std::vector<Octets>{Numbered(1), Numbered(2)}));
}

TEST_F(PcapRecorderTest, RemovesARecordThatWasCutOff) {
  Send(*Make(std::move(near_)), {Numbered(1), Numbered(2)});
  const auto whole = std::filesystem::file_size(path_);
  for (std::uintmax_t cut = 1; cut < 16 + 40; ++cut) {
    std::filesystem::resize_file(path_, whole - cut);
    auto pair = MemoryPort::MakePair();
    Send(*Make(std::move(pair.first)), {Numbered(2)});
    ASSERT_EQ(Recorded(), (std::vector<Octets>{Numbered(1), Numbered(2)}))
        << cut;
  }
}

TEST_F(PcapRecorderTest, RefusesAFileThatIsNoCapture) {
  std::ofstream(path_) << "a letter to a friend, longer than a head";
  const Error error = RefusedAt(path_);
  EXPECT_EQ(error.code, ErrorCode::kInvalid);
  EXPECT_EQ(std::filesystem::file_size(path_), 40U);  // and it is untouched
}

TEST_F(PcapRecorderTest, RefusesAShortFile) {
  std::ofstream(path_) << "x";
  EXPECT_EQ(RefusedAt(path_).code, ErrorCode::kInvalid);
}

TEST_F(PcapRecorderTest, RefusesASymbolicLink) {
  std::filesystem::create_symlink("elsewhere", path_);
  EXPECT_EQ(RefusedAt(path_).code, ErrorCode::kInvalid);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/elsewhere"));
}

TEST_F(PcapRecorderTest, RefusesWhatIsNoOrdinaryFile) {
  constexpr mode_t kMode = 0600;
  ASSERT_EQ(::mkfifo(path_.c_str(), kMode), 0);
  EXPECT_EQ(RefusedAt(path_).code, ErrorCode::kInvalid);
}

TEST_F(PcapRecorderTest, RefusesAFolderThatIsNotThere) {
  const Error error = RefusedAt(folder_ + "/no/such.pcap");
  EXPECT_EQ(error.code, ErrorCode::kSystem);
}

TEST_F(PcapRecorderTest, KeepsCapturesFromOtherUsers) {
  Make(std::move(near_));

  struct stat status {};

  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 077U, 0U);
}

// A full disk, played by a limit on the size of files.
TEST_F(PcapRecorderTest, TrafficGoesOnWhenTheFileCannotGrow) {
  const auto recorder = Make(std::move(near_));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  auto* old = ::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 100;  // the head, one record and a piece of the next
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  Send(*recorder, {Numbered(1)});
  Send(*recorder, {Numbered(2)});
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, old);
  Send(*recorder, {Numbered(3)});  // behind a piece, it would be read wrongly
  EXPECT_EQ(ReceiveAll(*far_).size(), 3U);
  EXPECT_EQ(recorder->records_lost(), 2U);
  EXPECT_EQ(std::filesystem::file_size(path_), 100U);
}

}  // namespace
}  // namespace postern
