// SPDX-License-Identifier: Apache-2.0

#include "control/seqpacket.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "tests/unit/control/temporary_directory.h"

namespace postern {
namespace {

struct Pair {
  UniqueFd ours;
  UniqueFd theirs;
};

Pair MakePair(int flags = 0) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0,
                         ends.data()),
            0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

std::size_t OpenFds() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

const std::vector<std::uint8_t> kText = {'h', 'e', 'l', 'l', 'o'};

// Sends kText with `count` copies of standard input.
void SendFds(int socket, std::size_t count) {
  const std::vector<int> fds(count, 0);
  std::vector<char> control(CMSG_SPACE(count * sizeof(int)));
  auto text = kText;
  iovec data{.iov_base = text.data(), .iov_len = text.size()};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  cmsghdr* part = CMSG_FIRSTHDR(&header);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(count * sizeof(int));
  std::memcpy(CMSG_DATA(part), fds.data(), count * sizeof(int));
  ASSERT_EQ(::sendmsg(socket, &header, 0), 5);
}

TEST(Seqpacket, CarriesOneMessageAndOneDescriptorCloseOnExec) {
  const Pair pair = MakePair();
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  ASSERT_EQ(SendSeqpacket(pair.ours.get(), kText, write_end.get()).outcome,
            TransferOutcome::kDone);
  write_end.reset();

  std::array<std::uint8_t, 16> room{};
  const SeqpacketMessage message = ReceiveSeqpacket(pair.theirs.get(), room);
  ASSERT_EQ(message.outcome, TransferOutcome::kDone);
  EXPECT_EQ(std::vector<std::uint8_t>(
                room.begin(), room.begin() + static_cast<long>(message.size)),
            kText);
  ASSERT_EQ(message.fd_count(), 1u);
  EXPECT_EQ(::fcntl(message.fd.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(::write(message.fd.get(), "x", 1), 1);  // it is that pipe
  char got = 0;
  EXPECT_EQ(::read(read_end.get(), &got, 1), 1);
}

TEST(Seqpacket, CarriesAMessageWithoutADescriptor) {
  const Pair pair = MakePair();
  ASSERT_EQ(SendSeqpacket(pair.ours.get(), kText).outcome,
            TransferOutcome::kDone);
  std::array<std::uint8_t, 5> room{};
  const SeqpacketMessage message = ReceiveSeqpacket(pair.theirs.get(), room);
  EXPECT_EQ(message.outcome, TransferOutcome::kDone);
  EXPECT_EQ(message.fd_count(), 0u);
}

TEST(Seqpacket, RefusesAMessageThatDoesNotFitAndClosesItsDescriptor) {
  const Pair pair = MakePair();
  const std::size_t before = OpenFds();
  SendFds(pair.ours.get(), 1);
  std::array<std::uint8_t, 4> room{};
  const SeqpacketMessage message = ReceiveSeqpacket(pair.theirs.get(), room);
  EXPECT_EQ(message.outcome, TransferOutcome::kTruncated);
  EXPECT_FALSE(message.fd.valid());
  EXPECT_EQ(OpenFds(), before);
}

TEST(Seqpacket, CarriesTwoDescriptorsInTheirOrder) {
  const Pair pair = MakePair();
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  const UniqueFd read_end(pipe[0]);
  const UniqueFd write_end(pipe[1]);
  ASSERT_EQ(
      SendSeqpacket(pair.ours.get(), kText, write_end.get(), read_end.get())
          .outcome,
      TransferOutcome::kDone);
  std::array<std::uint8_t, 16> room{};
  const SeqpacketMessage message = ReceiveSeqpacket(pair.theirs.get(), room);
  ASSERT_EQ(message.fd_count(), 2u);
  EXPECT_EQ(::write(message.fd.get(), "x", 1), 1);
  char got = 0;
  EXPECT_EQ(::read(message.second_fd.get(), &got, 1), 1);
  EXPECT_EQ(::fcntl(message.second_fd.get(), F_GETFD), FD_CLOEXEC);
}

TEST(Seqpacket, ClosesEverySurplusDescriptor) {
  // Up to the room for descriptors they all arrive, beyond it the kernel cuts.
  for (const std::size_t count : {3u, 8u, 9u, 100u}) {
    const Pair pair = MakePair();
    const std::size_t before = OpenFds();
    SendFds(pair.ours.get(), count);
    std::array<std::uint8_t, 16> room{};
    const SeqpacketMessage message = ReceiveSeqpacket(pair.theirs.get(), room);
    // 9 may still fit: the kernel counts in cmsg alignment.
    EXPECT_TRUE(message.outcome == TransferOutcome::kTooManyFds ||
                (count > 8 && message.outcome == TransferOutcome::kTruncated))
        << count;
    EXPECT_EQ(message.fd_count(), 0u);
    EXPECT_EQ(OpenFds(), before) << count;
  }
}

TEST(Seqpacket, SaysSoWhenADescriptorWasLost) {
  const Pair pair = MakePair();
  SendFds(pair.ours.get(), 1);
  rlimit old_limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old_limit), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = old_limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  std::array<std::uint8_t, 16> room{};
  const SeqpacketMessage message = ReceiveSeqpacket(pair.theirs.get(), room);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old_limit), 0);
  EXPECT_EQ(message.outcome, TransferOutcome::kTruncated);
}

TEST(Seqpacket, TellsEmptyFromClosedFromBroken) {
  Pair pair = MakePair(SOCK_NONBLOCK);
  std::array<std::uint8_t, 16> room{};
  EXPECT_EQ(ReceiveSeqpacket(pair.theirs.get(), room).outcome,
            TransferOutcome::kWouldBlock);
  pair.ours.reset();
  EXPECT_EQ(ReceiveSeqpacket(pair.theirs.get(), room).outcome,
            TransferOutcome::kClosed);
  EXPECT_EQ(SendSeqpacket(pair.theirs.get(), kText).outcome,
            TransferOutcome::kClosed);
  const SeqpacketMessage broken = ReceiveSeqpacket(-1, room);
  EXPECT_EQ(broken.outcome, TransferOutcome::kFailed);
  EXPECT_EQ(broken.error, EBADF);
  const SendResult unsent = SendSeqpacket(-1, kText);
  EXPECT_EQ(unsent.outcome, TransferOutcome::kFailed);
  EXPECT_EQ(unsent.error, EBADF);
}

TEST(Seqpacket, SendingToAPeerThatDoesNotReadWouldBlock) {
  const Pair pair = MakePair(SOCK_NONBLOCK);
  SendResult sent{TransferOutcome::kDone, 0};
  for (int i = 0; i < 100'000 && sent.outcome == TransferOutcome::kDone; ++i) {
    sent = SendSeqpacket(pair.ours.get(), kText);
  }
  EXPECT_EQ(sent.outcome, TransferOutcome::kWouldBlock);
}

TEST(Seqpacket, ListensWithExactlyThePermissionsAskedFor) {
  const TemporaryRunDirectory run;
  const mode_t old_umask = ::umask(0077);
  const auto listener = ListenSeqpacket(run.File("s"), 0666);
  ::umask(old_umask);
  ASSERT_TRUE(listener.ok());

  struct stat file {};

  ASSERT_EQ(::stat(run.File("s").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777u, 0666u);
}

TEST(Seqpacket, ConnectsAndKnowsWhoConnected) {
  const TemporaryRunDirectory run;
  const auto listener = ListenSeqpacket(run.File("s"), 0600);
  ASSERT_TRUE(listener.ok());
  EXPECT_EQ(AcceptSeqpacket(listener->get()).error(), EAGAIN);
  const auto client =
      ConnectSeqpacket(run.File("s"), Deadline::AfterMilliseconds(1000));
  ASSERT_TRUE(client.ok());
  const auto server = AcceptSeqpacket(listener->get());
  ASSERT_TRUE(server.ok());
  EXPECT_EQ(::fcntl(server->get(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(::fcntl(server->get(), F_GETFL) & O_NONBLOCK, O_NONBLOCK);
  const auto peer = PeerCredentialsOf(server->get());
  ASSERT_TRUE(peer.ok());
  EXPECT_EQ(peer->pid, ::getpid());
  EXPECT_EQ(peer->uid, ::geteuid());
  EXPECT_EQ(peer->gid, ::getegid());
  EXPECT_EQ(PeerCredentialsOf(-1).error(), EBADF);
}

TEST(Seqpacket, ReplacesADeadSocketFileButNeitherALiveOneNorAFile) {
  const TemporaryRunDirectory run;
  { ASSERT_TRUE(ListenSeqpacket(run.File("s"), 0600).ok()); }
  const auto second = ListenSeqpacket(run.File("s"), 0600);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(ListenSeqpacket(run.File("s"), 0600).error(), EADDRINUSE);
  std::ofstream(run.path() + "/file") << "precious";
  EXPECT_EQ(ListenSeqpacket(run.File("file"), 0600).error(), EADDRINUSE);
  EXPECT_EQ(std::filesystem::file_size(run.path() + "/file"), 8u);
}

TEST(Seqpacket, RefusesPathsThatAreNoneAndNamesAMissingListener) {
  const TemporaryRunDirectory run;
  const Deadline soon = Deadline::AfterMilliseconds(1000);
  const UnixPath too_long("/" + std::string(200, 'x'));
  EXPECT_EQ(ListenSeqpacket(too_long, 0600).error(), ENAMETOOLONG);
  EXPECT_EQ(ConnectSeqpacket(too_long, soon).error(), ENAMETOOLONG);
  EXPECT_EQ(ConnectSeqpacket(run.File("none"), soon).error(), ENOENT);
  EXPECT_EQ(ListenSeqpacket(run.File("no/dir"), 0600).error(), ENOENT);
  { ASSERT_TRUE(ListenSeqpacket(run.File("dead"), 0600).ok()); }
  EXPECT_EQ(ConnectSeqpacket(run.File("dead"), soon).error(), ECONNREFUSED);
}

TEST(Seqpacket, WaitsNoLongerThanTheDeadline) {
  const Pair pair = MakePair();
  const std::int64_t start = Deadline::NowMilliseconds();
  EXPECT_EQ(WaitFor(pair.ours.get(), POLLIN, Deadline::AfterMilliseconds(50)),
            ETIMEDOUT);
  EXPECT_GE(Deadline::NowMilliseconds() - start, 49);
  EXPECT_EQ(WaitFor(pair.ours.get(), POLLOUT, Deadline::AfterMilliseconds(50)),
            0);
}

TEST(Seqpacket, ConnectingToAFullQueueEndsAtTheDeadline) {
  const TemporaryRunDirectory run;
  const auto listener = ListenSeqpacket(run.File("s"), 0600);
  ASSERT_TRUE(listener.ok());
  ASSERT_EQ(::listen(listener->get(), 0), 0);  // room for one
  std::vector<Expected<UniqueFd, int>> clients;
  do {
    clients.push_back(
        ConnectSeqpacket(run.File("s"), Deadline::AfterMilliseconds(30)));
  } while (clients.back().ok() && clients.size() < 10);
  ASSERT_FALSE(clients.back().ok());
  EXPECT_EQ(clients.back().error(), EAGAIN);
}

}  // namespace
}  // namespace postern
