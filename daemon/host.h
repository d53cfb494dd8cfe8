// SPDX-License-Identifier: Apache-2.0
//
// A Host is one virtual IPsec host, assembled from its parts and run by the
// thread that calls Run():
//
//     namespace, TUN, wire      HostNetwork
//     SAs, routes, sockets      Sadb, SystemPolicy, SocketTable
//     packets                   a Crew of lanes and Workers
//     requests                  ApiServer, AdminServer
//     what workers notice       WorkerEvents
//
// Nothing is forwarded before SAs and routes are in place; when the host goes,
// the servers go first, then the workers, then what they used.
//
// Thread safety: Control-confined.

#ifndef POSTERN_DAEMON_HOST_H_
#define POSTERN_DAEMON_HOST_H_

#include <memory>

#include "core/error.h"
#include "daemon/host_config.h"

namespace postern {

class Host {
 public:
  // Makes and starts everything. Errors: of what could not be made, each with a
  // sentence that says what.
  static Result<std::unique_ptr<Host>> Create(const HostConfig& config);

  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // Serves until SIGINT or SIGTERM. Errors: kUnavailable when a device has
  // failed under the host (somebody deleted it).
  Status Run();

 private:
  struct Assembly;

  explicit Host(std::unique_ptr<Assembly> assembly);

  std::unique_ptr<Assembly> assembly_;
};

}  // namespace postern

#endif  // POSTERN_DAEMON_HOST_H_
