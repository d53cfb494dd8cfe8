// SPDX-License-Identifier: Apache-2.0
//
// A host's names in the run directory (control/run_directory.h), which go when
// the host goes.
//
// Thread safety: Control-confined.

#ifndef POSTERN_DAEMON_PUBLISHED_NAMES_H_
#define POSTERN_DAEMON_PUBLISHED_NAMES_H_

#include <unistd.h>

#include <cstdint>
#include <string>
#include <utility>

#include "control/paths.h"
#include "control/run_directory.h"
#include "tun/network_namespace.h"

namespace postern {

// The names under which clients find us, as long as this lives.
class PublishedNames {
 public:
  PublishedNames(std::string host, NamespaceCookie cookie)
      : host_(std::move(host)), cookie_(static_cast<std::uint64_t>(cookie)) {}

  PublishedNames(const PublishedNames&) = delete;
  PublishedNames& operator=(const PublishedNames&) = delete;

  ~PublishedNames() {
    WithdrawNetns(cookie_, host_);
    ::unlink(ApiSocketPath(host_).c_str());
    ::unlink(AdminSocketPath(host_).c_str());
  }

  Status Publish() const { return PublishNetns(cookie_, host_); }

 private:
  const std::string host_;
  const std::uint64_t cookie_;
};

}  // namespace postern

#endif  // POSTERN_DAEMON_PUBLISHED_NAMES_H_
