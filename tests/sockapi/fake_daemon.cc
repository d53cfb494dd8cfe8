// SPDX-License-Identifier: Apache-2.0

#include "tests/sockapi/fake_daemon.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "control/run_directory.h"
#include "control/wish_codec.h"

namespace postern {
namespace {

constexpr char kHost[] = "fake";

[[noreturn]] void Die(const char* what) {
  std::cerr << "the fake daemon cannot " << what << '\n';
  std::abort();
}

std::uint64_t CookieOf(int fd, int name) {
  std::uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  return ::getsockopt(fd, SOL_SOCKET, name, &cookie, &size) == 0 ? cookie : 0;
}

// The message with as many copies of standard input as asked for.
void SendWithDescriptors(int connection, ConstBytes message,
                         std::size_t count) {
  const std::vector<int> fds(count, STDIN_FILENO);
  std::vector<char> control(CMSG_SPACE(count * sizeof(int)));
  iovec data{.iov_base = const_cast<std::uint8_t*>(message.data()),
             .iov_len = message.size()};
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
  ::sendmsg(connection, &header, MSG_NOSIGNAL);
}

}  // namespace

std::uint64_t NetnsCookie() {
  const UniqueFd any(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return CookieOf(any.get(), SO_NETNS_COOKIE);
}

FakeDaemon::FakeDaemon(Temper temper)
    : temper_(temper), stop_(::eventfd(0, EFD_CLOEXEC)) {
  if (!EnsureHostDirectory(kHost).ok() ||
      !PublishNetns(NetnsCookie(), kHost).ok()) {
    Die("make its run directory");
  }
  auto listener = ListenSeqpacket(ApiSocketPath(kHost), kApiSocketMode);
  if (!listener.ok()) {
    Die("listen");
  }
  listener_ = std::move(listener).value();
  thread_ = std::thread([this] { Serve(); });
}

FakeDaemon::~FakeDaemon() {
  const std::uint64_t one = 1;
  if (::write(stop_.get(), &one, sizeof(one)) != sizeof(one)) {
    Die("stop");
  }
  thread_.join();
}

void FakeDaemon::Refuse(int error) {
  const std::lock_guard lock(mutex_);
  refusal_ = error;
}

void FakeDaemon::Delay(std::chrono::milliseconds delay) {
  const std::lock_guard lock(mutex_);
  delay_ = delay;
}

std::vector<FakeDaemon::Request> FakeDaemon::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::size_t FakeDaemon::Count(ApiRequestType type) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count_if(
      requests_.begin(), requests_.end(),
      [&](const auto& each) { return each.request.type == type; }));
}

bool FakeDaemon::AwaitInput(int fd) const {
  std::array<pollfd, 2> wanted{
      {{.fd = fd, .events = POLLIN, .revents = 0},
       {.fd = stop_.get(), .events = POLLIN, .revents = 0}}};
  ::poll(wanted.data(), wanted.size(), -1);
  return wanted[1].revents == 0;
}

void FakeDaemon::Serve() {
  while (AwaitInput(listener_.get())) {
    const auto connection = AcceptSeqpacket(listener_.get());
    if (connection.ok() && temper_ != Temper::kHangsUpAtOnce) {
      Converse(connection->get());
    }
  }
}

void FakeDaemon::Converse(int connection) {
  while (AwaitInput(connection)) {
    std::array<std::uint8_t, 512> room{};
    const SeqpacketMessage message = ReceiveSeqpacket(connection, room);
    if (message.outcome != TransferOutcome::kDone) {
      return;
    }
    const ConstBytes octets = ConstBytes(room).first(message.size);
    if (IsWishRequest(octets)) {
      const auto wish = DecodeWishRequest(octets, message.fd_count());
      if (!wish.ok()) {
        return;
      }
      const int other = message.second_fd.get();
      const WishReply reply =
          Judge(Wish{.request = *wish,
                     .cookie = CookieOf(message.fd.get(), SO_COOKIE),
                     .other = other < 0 ? 0 : CookieOf(other, SO_COOKIE)});
      SendSeqpacket(connection, EncodeWishReply(reply).octets());
      continue;
    }
    const auto request =
        DecodeApiRequest(Bytes(room).first(message.size), message.fd_count());
    if (!request.ok()) {
      return;
    }
    const ApiReply reply = Judge(Request{
        .request = *request, .cookie = CookieOf(message.fd.get(), SO_COOKIE)});
    if (temper_ == Temper::kHangsUp) {
      return;
    }
    const bool silent =
        temper_ == Temper::kSilent || (temper_ == Temper::kSilentOnAdopt &&
                                       request->type == ApiRequestType::kAdopt);
    if (!silent) {
      Reply(connection, reply);
    }
  }
}

ApiReply FakeDaemon::Judge(const Request& request) {
  const std::lock_guard lock(mutex_);
  std::this_thread::sleep_for(delay_);
  requests_.push_back(request);
  const ApiRequest& asked = request.request;
  ApiReply reply{
      .to = asked.type, .request_id = asked.request_id, .error = refusal_};
  if (refusal_ != 0 || !NamesCategory(asked.type)) {
    return reply;
  }
  ApiLevel& level =
      levels_.try_emplace({request.cookie, asked.category}, ApiLevel::kNone)
          .first->second;
  if (asked.type == ApiRequestType::kSetLevel) {
    level = asked.level;
  }
  reply.level = level;
  return reply;
}

WishReply FakeDaemon::Judge(const Wish& wish) {
  const std::lock_guard lock(mutex_);
  wishes_.push_back(wish);
  WishReply reply{.to = wish.request.type,
                  .request_id = wish.request.request_id};
  if (refusal_ != 0) {
    reply.error = refusal_;
    return reply;
  }
  if (wish.request.type == WishRequestType::kGetIdentity ||
      wish.request.type == WishRequestType::kGetStatus) {
    reply.identity = answer_.identity;
    reply.text = answer_.text;
    reply.status = answer_.status;
  }
  return reply;
}

void FakeDaemon::Answer(const WishReply& reply) {
  const std::lock_guard lock(mutex_);
  answer_ = reply;
}

std::vector<FakeDaemon::Wish> FakeDaemon::wishes() const {
  const std::lock_guard lock(mutex_);
  return wishes_;
}

void FakeDaemon::Reply(int connection, ApiReply reply) const {
  if (temper_ == Temper::kOtherId) {
    ++reply.request_id;
  }
  if (temper_ == Temper::kOtherType) {
    reply.to = ApiRequestType::kHello;
  }
  if (temper_ == Temper::kOtherLevel) {
    reply.level = ApiLevel::kNone;
  }
  if (temper_ == Temper::kNoLevel) {
    reply.level = ApiLevel::kAbsent;
  }
  const ApiReplyBytes honest = EncodeApiReply(reply);
  std::vector<std::uint8_t> message(honest.begin(), honest.end());
  switch (temper_) {
    case Temper::kOtherVersion:
      message[5] = 2;
      break;
    case Temper::kHugeErrno:
      message[16] = 0x80;
      break;
    case Temper::kShortReply:
      message.resize(kMessageHeaderSize + 2);
      break;
    case Temper::kLongReply:
      message.push_back(0);
      break;
    case Temper::kWithDescriptor:
      SendWithDescriptors(connection, message, 1);
      return;
    case Temper::kManyDescriptors:
      SendWithDescriptors(connection, message, 5);
      return;
    case Temper::kGarbage:
      message.assign(24, 0xa5);
      break;
    default:
      break;
  }
  SendSeqpacket(connection, message);
}

}  // namespace postern
