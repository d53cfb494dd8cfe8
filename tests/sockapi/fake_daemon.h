// SPDX-License-Identifier: Apache-2.0
//
// A FakeDaemon answers on the real sockets, in the real places, as posternd
// would, or as badly as a test wants. Its levels are kept per socket cookie,
// which it reads from the socket it is handed.
//
//     FakeDaemon daemon(FakeDaemon::Temper::kHonest);
//     ... setsockopt() ...
//     EXPECT_EQ(daemon.requests().size(), 1u);
//
// It serves the network namespace that it is made in, below a run directory of
// its own. Thread-safe; it has a thread of its own, which the destructor ends.

#ifndef POSTERN_TESTS_SOCKAPI_FAKE_DAEMON_H_
#define POSTERN_TESTS_SOCKAPI_FAKE_DAEMON_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "control/api_protocol.h"
#include "control/seqpacket.h"
#include "control/wish_protocol.h"
#include "core/unique_fd.h"
#include "tests/unit/control/temporary_directory.h"

namespace postern {

class FakeDaemon {
 public:
  enum class Temper : std::uint8_t {
    kHonest,
    kSilent,          // takes the request and says nothing
    kSilentOnAdopt,   // honest otherwise
    kHangsUp,         // takes the request and closes the connection
    kHangsUpAtOnce,   // closes the connection without reading
    kOtherVersion,    // speaks version 2
    kOtherId,         // answers a request that nobody made
    kOtherType,       // answers SetLevel with Hello's reply
    kOtherLevel,      // confirms another level than it was asked for
    kNoLevel,         // confirms without a level
    kHugeErrno,       // an errno value out of range
    kShortReply,      // cut in the middle
    kLongReply,       // one octet too many
    kWithDescriptor,  // a correct reply and a descriptor
    kManyDescriptors,
    kGarbage,
  };

  struct Request {
    ApiRequest request;
    std::uint64_t cookie = 0;  // of the socket that came along
  };

  explicit FakeDaemon(Temper temper);
  ~FakeDaemon();

  FakeDaemon(const FakeDaemon&) = delete;
  FakeDaemon& operator=(const FakeDaemon&) = delete;

  struct Wish {
    WishRequest request;
    std::uint64_t cookie = 0;  // of the socket that came along
    std::uint64_t other = 0;   // and of the second one
  };

  // What a question about a socket is answered with (but for type and id).
  void Answer(const WishReply& reply);

  // Every wish and question so far.
  std::vector<Wish> wishes() const;

  // From now on every request is answered with this errno value; 0 ends that.
  void Refuse(int error);

  // From now on every answer comes so much later.
  void Delay(std::chrono::milliseconds delay);

  // Everything well-formed that was asked so far.
  std::vector<Request> requests() const;

  // How many requests of the type there were.
  std::size_t Count(ApiRequestType type) const;

  const TemporaryRunDirectory& run_directory() const { return run_; }

 private:
  using Key = std::pair<std::uint64_t, ApiCategory>;

  void Serve();
  void Converse(int connection);
  ApiReply Judge(const Request& request);
  WishReply Judge(const Wish& wish);
  void Reply(int connection, ApiReply reply) const;

  // Waits for input; false when the daemon is to end.
  bool AwaitInput(int fd) const;

  TemporaryRunDirectory run_;
  Temper temper_;
  UniqueFd listener_;
  UniqueFd stop_;

  mutable std::mutex mutex_;
  std::map<Key, ApiLevel> levels_;
  std::vector<Request> requests_;
  std::vector<Wish> wishes_;
  WishReply answer_;
  int refusal_ = 0;
  std::chrono::milliseconds delay_{0};

  std::thread thread_;
};

// The namespace of the calling thread; 0 if the kernel does not say.
std::uint64_t NetnsCookie();

}  // namespace postern

#endif  // POSTERN_TESTS_SOCKAPI_FAKE_DAEMON_H_
