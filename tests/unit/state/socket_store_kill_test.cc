// SPDX-License-Identifier: Apache-2.0
//
// The daemon's promise, without the daemon: whenever it is killed, every socket
// has the levels it had before the change that was under way, or after it.
//
// One test walks a process through its changes instruction by instruction
// (ptrace) and opens what a kill at that instruction would have left; between
// changes the process cannot write to the file. The other really kills one,
// again and again.

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <new>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

#include "core/identity.h"
#include "core/unique_fd.h"
#include "policy/socket_table.h"
#include "policy/socket_wishes.h"
#include "state/socket_store.h"
#include "tests/unit/policy/memory_journal.h"
#include "tests/unit/state/temporary_directory.h"

namespace postern {
namespace {

using Records = std::vector<SocketRecord>;

const RecordFile::Life kLife{"a boot", 1};
// So small that the file grows while we watch.
constexpr RecordFile::Limits kLimits{.step = 2, .most = 64};
constexpr Instant kStart;

FlowKey KeyOf(std::uint16_t remote_port) {
  FlowKey key;
  key.local = IpAddress::Parse("fd00:9:1::1").value();
  key.remote = IpAddress::Parse("fd00:9:2::1").value();
  key.local_port = 80;
  key.remote_port = remote_port;
  key.protocol = Number(IpProtocol::kTcp);
  return key;
}

LevelSet Ah(Level level) {
  LevelSet levels;
  levels.Set(Category::kAh, level);
  return levels;
}

Records RecordsOf(const SocketJournal& journal) {
  Records records;
  journal.ForEach([&](SocketJournal::Line, const SocketRecord& record) {
    records.push_back(record);
  });
  return records;
}

bool AreSame(const Records& one, const Records& other) {
  return one.size() == other.size() &&
         std::is_permutation(one.begin(), one.end(), other.begin());
}

// What is shared with a child process.
template <typename T>
class Shared {
 public:
  Shared()
      : memory_(::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (memory_ == MAP_FAILED) {
      std::abort();
    }
    value_ = new (memory_) T();
  }

  ~Shared() { ::munmap(memory_, sizeof(T)); }

  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

  T& operator*() const { return *value_; }

 private:
  void* const memory_;
  T* value_ = nullptr;
};

// Calls `before` and `after` around every change that it passes on.
class WatchedJournal : public SocketJournal {
 public:
  WatchedJournal(
      std::shared_ptr<SocketJournal> journal, std::function<void()> before,
      std::function<void()> after = [] {})
      : journal_(std::move(journal)),
        before_(std::move(before)),
        after_(std::move(after)) {}

  Result<Line> Add(const SocketRecord& record) override {
    const Change change(*this);
    return journal_->Add(record);
  }

  void SetLevel(Line line, Category category, Level level) override {
    const Change change(*this);
    journal_->SetLevel(line, category, level);
  }

  void SetCookie(Line line, SocketCookie cookie) override {
    const Change change(*this);
    journal_->SetCookie(line, cookie);
  }

  void SetFlow(Line line, const std::optional<FlowKey>& flow) override {
    const Change change(*this);
    journal_->SetFlow(line, flow);
  }

  Status SetWishes(Line line, ConstBytes wishes) override {
    const Change change(*this);
    return journal_->SetWishes(line, wishes);
  }

  void Retire(Line line) override {
    const Change change(*this);
    journal_->Retire(line);
  }

  void Remove(Line line) override {
    const Change change(*this);
    journal_->Remove(line);
  }

  void ForEach(const Visit& visit) const override { journal_->ForEach(visit); }

 private:
  class Change {
   public:
    explicit Change(const WatchedJournal& journal) : journal_(journal) {
      journal_.before_();
    }

    ~Change() { journal_.after_(); }

    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;

   private:
    const WatchedJournal& journal_;
  };

  const std::shared_ptr<SocketJournal> journal_;
  const std::function<void()> before_;
  const std::function<void()> after_;
};

// With a key id of so many octets; 0: for nothing any more.
void Wish(const SocketPolicyRef& policy, std::size_t octets) {
  SocketWishes wishes;
  if (octets > 0) {
    wishes.peer =
        Identity::Make(IdentityType::kKeyId, std::string(octets, 'k')).value();
  }
  EXPECT_TRUE(
      policy->SetWishes(std::make_shared<const SocketWishes>(wishes)).ok());
}

// Everything that a daemon does with a table, at least once.
void LiveALife(SocketTable& table) {
  constexpr SocketCookie kListener{1};
  constexpr SocketCookie kChild{2};
  constexpr SocketCookie kClient{3};
  const SocketPolicyRef listener = table.Obtain(kListener).value();
  listener->SetLevel(Category::kAh, Level::kRequire);
  (void)table.Inherit(KeyOf(1), listener->levels(), kStart);
  listener->SetLevel(Category::kAh, Level::kNone);
  (void)table.Adopt(kChild, KeyOf(1));
  (void)table.Inherit(KeyOf(2), Ah(Level::kUse), kStart);
  (void)table.Inherit(KeyOf(2), Ah(Level::kUnique), kStart);
  table.Find(kChild)->SetLevel(Category::kEspTransport, Level::kBypass);
  Wish(table.Find(kChild), 250);
  (void)table.Obtain(kClient);
  Wish(table.Find(kChild), 30);
  Wish(table.Find(kClient), 100);
  table.Remember(kClient, KeyOf(3));
  table.Remember(kClient, KeyOf(1));
  table.ForgetFlow(KeyOf(1));
  table.Remember(kClient, KeyOf(2));
  Wish(table.Find(kClient), 0);
  table.Retire(kChild, kStart);
  table.Age(kStart + SocketTable::kLinger);
}

// What the journal holds after each change; the first is nothing.
std::vector<Records> Stages() {
  const auto memory = std::make_shared<MemoryJournal>();
  std::vector<Records> stages;
  SocketTable table;
  const auto watched = std::make_shared<WatchedJournal>(
      memory, [&] { stages.push_back(RecordsOf(*memory)); });
  EXPECT_TRUE(table.ResumeFrom(watched, kStart).ok());
  LiveALife(table);
  stages.push_back(RecordsOf(*memory));
  return stages;
}

// Two processes that take turns do so much faster on one processor.
class OneProcessor {
 public:
  OneProcessor() {
    ::sched_getaffinity(0, sizeof(before_), &before_);
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET(static_cast<std::size_t>(::sched_getcpu()), &here);
    ::sched_setaffinity(0, sizeof(here), &here);
  }

  ~OneProcessor() { ::sched_setaffinity(0, sizeof(before_), &before_); }

  OneProcessor(const OneProcessor&) = delete;
  OneProcessor& operator=(const OneProcessor&) = delete;

 private:
  cpu_set_t before_{};
};

// The memory of this process that is a file. While it is closed, a store there
// is SIGSEGV.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path) {
    std::ifstream maps("/proc/self/maps");
    std::string line;
    while (std::getline(maps, line) && !line.ends_with(path.string())) {
    }
    std::istringstream words(line);
    char dash = 0;
    words >> std::hex >> begin_ >> dash >> end_;
  }

  void Open() const { Protect(PROT_READ | PROT_WRITE); }

  void Close() const { Protect(PROT_READ); }

 private:
  void Protect(int access) const {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel wrote it so
    void* const begin = reinterpret_cast<void*>(begin_);
    if (begin_ == 0 || ::mprotect(begin, end_ - begin_, access) != 0) {
      std::abort();
    }
  }

  std::uintptr_t begin_ = 0;
  std::uintptr_t end_ = 0;
};

// A process that lives its life in a file: its changes one instruction at a
// time, and what lies between them, where it cannot write to the file, at once.
class SteppedProcess {
 public:
  explicit SteppedProcess(const std::filesystem::path& path)
      : child_(::fork()) {
    if (child_ == 0) {
      Live(path);
    }
    Wait();
  }

  ~SteppedProcess() {
    if (!ended()) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
  }

  SteppedProcess(const SteppedProcess&) = delete;
  SteppedProcess& operator=(const SteppedProcess&) = delete;

  // Goes on to where the next change begins; false when it ends instead.
  bool GoOn() {
    int signal = 0;  // what it falls by, should it come to that
    do {
      ::ptrace(PTRACE_CONT, child_, nullptr, signal);
      Wait();
      signal = WSTOPSIG(status_);
    } while (!ended() && signal != SIGSTOP);
    return !ended();
  }

  void Step() {
    ::ptrace(PTRACE_SINGLESTEP, child_, nullptr, nullptr);
    Wait();
  }

  bool ended() const { return !WIFSTOPPED(status_); }

  bool traced() const { return !ended() || WEXITSTATUS(status_) != kNotTraced; }

  bool fine() const { return WIFEXITED(status_) && WEXITSTATUS(status_) == 0; }

  bool in_change() const { return !ended() && (*progress_).in_change; }

  // Changes that were begun.
  std::size_t changes() const { return (*progress_).changes; }

 private:
  enum : int { kNotTraced = 9 };

  struct Progress {
    std::atomic<std::size_t> changes{0};
    std::atomic<bool> in_change{false};
  };

  [[noreturn]] void Live(const std::filesystem::path& path) {
    const auto store = SocketStore::Open(path, kLife, kLimits);
    const MappedFile file(path);
    Progress& progress = *progress_;
    SocketTable table;
    (void)table.ResumeFrom(std::make_shared<WatchedJournal>(
                               *store,
                               [&] {
                                 file.Open();
                                 ++progress.changes;
                                 progress.in_change = true;
                                 ::raise(SIGSTOP);
                               },
                               [&] {
                                 progress.in_change = false;
                                 file.Close();
                               }),
                           kStart);
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) {
      std::_Exit(kNotTraced);
    }
    file.Close();
    ::raise(SIGSTOP);
    LiveALife(table);
    std::_Exit(0);
  }

  void Wait() { ::waitpid(child_, &status_, 0); }

  const Shared<Progress> progress_;
  const pid_t child_;
  int status_ = 0;
};

// The file as the process that is walked through its changes left it.
class FileView {
 public:
  explicit FileView(const std::filesystem::path& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)),
        memory_(::mmap(nullptr, kMost, PROT_READ, MAP_SHARED, fd_.get(), 0)) {
    if (memory_ == MAP_FAILED) {
      std::abort();
    }
  }

  ~FileView() { ::munmap(memory_, kMost); }

  FileView(const FileView&) = delete;
  FileView& operator=(const FileView&) = delete;

  std::string_view octets() const {
    struct stat now {};

    ::fstat(fd_.get(), &now);
    return {static_cast<const char*>(memory_),
            static_cast<std::size_t>(now.st_size)};
  }

 private:
  static constexpr std::size_t kMost =
      RecordFile::kHeaderOctets + kLimits.most * RecordFile::kRecordOctets;

  const UniqueFd fd_;
  void* const memory_;
};

class Killed : public ::testing::Test {
 protected:
  // What a daemon would find that started now, or why it would refuse to.
  Result<Records> FoundIn(std::string_view octets) const {
    const auto copy = directory_.path() / "copy";
    std::ofstream(copy, std::ios::binary | std::ios::trunc) << octets;
    std::filesystem::permissions(copy, std::filesystem::perms(0600));
    const auto store = SocketStore::Open(copy, kLife, kLimits);
    if (!store.ok()) {
      return store.error();
    }
    SocketTable table;
    if (Status resumed = table.ResumeFrom(*store, kStart); !resumed.ok()) {
      return resumed.error();
    }
    return RecordsOf(**store);
  }

  const TemporaryDirectory directory_;
  const std::filesystem::path path_ = directory_.path() / "sockets";
};

TEST_F(Killed, AtAnyInstructionItLeavesTheOldOrTheNew) {  // API-44
  const std::vector<Records> stages = Stages();
  const OneProcessor here;
  SteppedProcess process(path_);
  if (!process.traced()) {
    GTEST_SKIP() << "ptrace is not allowed here";
  }
  const FileView file(path_);
  std::string last;
  std::size_t moments = 0;
  std::size_t old_ones = 0;
  const auto look = [&] {
    if (file.octets() == last) {
      return;
    }
    last = file.octets();
    const Result<Records> found = FoundIn(last);
    const std::size_t begun = process.changes();
    ASSERT_TRUE(found.ok()) << found.error().message << ", in change " << begun;
    const bool is_old = begun > 0 && AreSame(*found, stages.at(begun - 1));
    EXPECT_TRUE(is_old || AreSame(*found, stages.at(begun)))
        << "neither old nor new, in change " << begun;
    ++moments;
    old_ones += is_old ? 1U : 0U;
  };
  look();
  while (!HasFatalFailure() && process.GoOn()) {
    EXPECT_TRUE(file.octets() == last) << "written between changes";
    while (!HasFatalFailure() && process.in_change()) {
      process.Step();
      look();
    }
  }
  EXPECT_TRUE(process.fine());
  EXPECT_EQ(process.changes(), stages.size() - 1);
  // More than one store for each change, and we looked between them.
  EXPECT_GT(moments, 4 * stages.size());
  EXPECT_GT(old_ones, stages.size());
  EXPECT_TRUE(AreSame(FoundIn(last).value(), stages.back()));
}

// What a program was told, and what it has asked for meanwhile.
struct Promise {
  std::atomic<std::uint32_t> told{0};
  std::atomic<std::uint32_t> asked{0};
};

constexpr std::size_t kSockets = 8;
using Promises = std::array<Promise, kSockets>;

SocketCookie CookieOf(std::size_t socket) {
  return SocketCookie{100 + socket};
}

// Sets levels of all sockets, for ever.
[[noreturn]] void SetLevels(SocketTable& table, Promises& promises,
                            unsigned seed) {
  std::mt19937 dice(seed);
  for (;;) {
    const std::size_t socket = dice() % kSockets;
    Promise& promise = promises.at(socket);
    const Category category = kCategories.at(dice() % kCategories.size());
    const auto level = static_cast<Level>(dice() % 5);
    LevelSet wanted = LevelSet::Unpack(promise.told.load());
    wanted.Set(category, level);
    promise.asked.store(wanted.Pack());
    table.Obtain(CookieOf(socket)).value()->SetLevel(category, level);
    promise.told.store(wanted.Pack());
  }
}

// What a worker does meanwhile: connections come and go.
[[noreturn]] void Connect(SocketTable& table) {
  for (std::uint64_t i = 0;; ++i) {
    const auto port = static_cast<std::uint16_t>(i % 8);
    const Instant now(std::chrono::seconds(static_cast<std::int64_t>(i)));
    (void)table.Inherit(KeyOf(port), Ah(Level::kRequire), now);
    (void)table.Adopt(SocketCookie{1000 + i}, KeyOf(port));
    table.Retire(SocketCookie{1000 + i}, now);
    table.Age(now);
  }
}

TEST_F(Killed, AgainAndAgainItKeepsWhatProgramsWereTold) {  // API-44
  const Shared<Promises> promises;
  std::mt19937 dice(2026);
  std::uniform_int_distribution<int> microseconds(0, 4000);
  for (unsigned run = 0; run < 50; ++run) {
    const Shared<std::atomic<bool>> ready;
    const pid_t child = ::fork();
    if (child == 0) {
      const auto store = SocketStore::Open(path_, kLife);
      SocketTable table;
      if (!store.ok() || !table.ResumeFrom(*store, kStart).ok()) {
        std::_Exit(1);
      }
      std::thread worker([&table] { Connect(table); });
      (*ready).store(true);
      SetLevels(table, *promises, run);
    }
    while (!(*ready).load() && ::waitpid(child, nullptr, WNOHANG) == 0) {
      std::this_thread::yield();
    }
    ASSERT_TRUE((*ready).load()) << "refused in run " << run;
    std::this_thread::sleep_for(std::chrono::microseconds(microseconds(dice)));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);

    const auto store = SocketStore::Open(path_, kLife);
    ASSERT_TRUE(store.ok()) << store.error().message;
    SocketTable table;
    ASSERT_TRUE(table.ResumeFrom(*store, kStart).ok());
    for (std::size_t socket = 0; socket < kSockets; ++socket) {
      Promise& promise = (*promises).at(socket);
      const SocketPolicyRef policy = table.Find(CookieOf(socket));
      const std::uint32_t found = policy ? policy->packed() : 0;
      EXPECT_TRUE(found == promise.told || found == promise.asked)
          << "run " << run << ", socket " << socket;
      promise.told = found;
    }
  }
}

}  // namespace
}  // namespace postern
