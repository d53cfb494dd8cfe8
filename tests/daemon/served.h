// SPDX-License-Identifier: Apache-2.0
//
// What the tests of the servers share: a run directory of their own, and a
// thread that runs an event loop.

#ifndef POSTERN_TESTS_DAEMON_SERVED_H_
#define POSTERN_TESTS_DAEMON_SERVED_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <thread>

#include "control/paths.h"
#include "control/seqpacket.h"
#include "daemon/event_loop.h"

namespace postern {

// A short path: a socket's address holds 107 octets.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = "/tmp/postern-test-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
      ADD_FAILURE() << "mkdtemp";
    }
    path_ = name;
  }

  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }

  UnixPath Socket(const char* name) const {
    return UnixPath(path_).Append("/").Append(name);
  }

 private:
  std::string path_;
};

// Runs a loop from Start() until it is destroyed: what the loop's objects need
// must be made before and destroyed afterwards.
class LoopThread {
 public:
  explicit LoopThread(EventLoop& loop) : loop_(loop) {}

  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  ~LoopThread() { Stop(); }

  void Start() {
    thread_ = std::thread([this] { loop_.Run(); });
  }

  void Stop() {
    if (thread_.joinable()) {
      loop_.Stop();
      thread_.join();
    }
  }

 private:
  EventLoop& loop_;
  std::thread thread_;
};

inline UniqueFd ListenAt(const UnixPath& path) {
  auto listener = ListenSeqpacket(path, 0600);
  EXPECT_TRUE(listener.ok());
  return listener.ok() ? std::move(*listener) : UniqueFd();
}

inline UniqueFd ConnectTo(const UnixPath& path) {
  auto connection = ConnectSeqpacket(path, Deadline::AfterMilliseconds(5000));
  EXPECT_TRUE(connection.ok());
  return connection.ok() ? std::move(*connection) : UniqueFd();
}

}  // namespace postern

#endif  // POSTERN_TESTS_DAEMON_SERVED_H_
