// SPDX-License-Identifier: Apache-2.0

#include "tun/network_namespace.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <future>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "tun/netlink.h"

namespace postern {
namespace {

constexpr const char* kDirectory = "/run/netns";
constexpr const char* kOwnNamespace = "/proc/thread-self/ns/net";

Error Refused(std::string_view what, int errno_value) {
  if (errno_value == EPERM || errno_value == EACCES) {
    return {ErrorCode::kForbidden,
            std::string(what) +
                " needs CAP_SYS_ADMIN; run this as root, or under "
                "`unshare --user --map-root-user`."};
  }
  return SystemError(what, errno_value);
}

// Runs `call` in a thread of its own and waits for it.
Status RunAlone(const std::function<Status()>& call) {
  std::packaged_task<Status()> task(call);
  std::future<Status> status = task.get_future();
  try {
    std::thread(std::move(task)).join();
  } catch (const std::system_error& error) {
    return Error{ErrorCode::kExhausted,
                 std::string("No thread could be started to enter a network "
                             "namespace; raise the limit of processes (") +
                     error.what() + ")."};
  }
  return status.get();
}

Result<UniqueFd> OpenOwn() {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open is what it is
  UniqueFd fd(::open(kOwnNamespace, O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    return SystemError("opening /proc/thread-self/ns/net (is /proc mounted?)",
                       errno);
  }
  return fd;
}

Status EnterNew() {
  if (::unshare(CLONE_NEWNET) != 0) {
    return Refused("Making a network namespace", errno);
  }
  return Ok();
}

Result<std::string> PathOf(const std::string& name) {
  constexpr std::size_t kLongest = 255;
  const bool usable = !name.empty() && name.size() <= kLongest && name != "." &&
                      name != ".." && name.find('/') == std::string::npos &&
                      name.find('\0') == std::string::npos;
  if (!usable) {
    return Invalid("'" + name +
                   "' cannot name a network namespace; choose a file name of "
                   "at most 255 characters without a slash.");
  }
  return std::string(kDirectory) + "/" + name;
}

// Makes /run/netns as `ip netns` does: a shared mount, so that a namespace
// named here is seen, and can be deleted, in every mount namespace.
Status PrepareDirectory() {
  constexpr mode_t kMode = 0755;
  if (::mkdir(kDirectory, kMode) != 0 && errno != EEXIST) {
    return Refused("Making the directory /run/netns", errno);
  }
  if (::mount("", kDirectory, "none", MS_SHARED | MS_REC, nullptr) == 0) {
    return Ok();
  }
  if (errno == EINVAL &&
      ::mount(kDirectory, kDirectory, "none", MS_BIND | MS_REC, nullptr) == 0 &&
      ::mount("", kDirectory, "none", MS_SHARED | MS_REC, nullptr) == 0) {
    return Ok();
  }
  return Refused("Mounting /run/netns", errno);
}

// A device that modules such as sit put into every new namespace. It cannot be
// moved to another one, and what it sends is routed inside.
bool IsFallbackTunnel(const Link& link) {
  struct Fallback {
    std::string_view name;
    std::string_view kind;
  };

  static constexpr std::array<Fallback, 9> kFallbacks = {{
      {"tunl0", "ipip"},
      {"sit0", "sit"},
      {"gre0", "gre"},
      {"gretap0", "gretap"},
      {"erspan0", "erspan"},
      {"ip_vti0", "vti"},
      {"ip6_vti0", "vti6"},
      {"ip6tnl0", "ip6tnl"},
      {"ip6gre0", "ip6gre"},
  }};
  return std::any_of(
      kFallbacks.begin(), kFallbacks.end(), [&link](const Fallback& fallback) {
        return link.name == fallback.name && link.kind == fallback.kind;
      });
}

bool BelongsInSealed(const Link& link, const std::string& tun_name) {
  return link.is_loopback() || (link.name == tun_name && link.kind == "tun") ||
         IsFallbackTunnel(link);
}

}  // namespace

Result<NetworkNamespace> NetworkNamespace::FromDescriptor(UniqueFd fd) {
  NetworkNamespace made(std::move(fd), NamespaceCookie{});
  const auto cookie = made.RunInside([]() -> Result<NamespaceCookie> {
    const UniqueFd probe(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    std::uint64_t value = 0;
    socklen_t size = sizeof(value);
    if (!probe.valid() || ::getsockopt(probe.get(), SOL_SOCKET, SO_NETNS_COOKIE,
                                       &value, &size) != 0) {
      return SystemError(
          "reading SO_NETNS_COOKIE, for which Linux 5.14 or newer is needed",
          errno);
    }
    return NamespaceCookie{value};
  });
  if (!cookie) {
    return cookie.error();
  }
  made.cookie_ = *cookie;
  return made;
}

Result<NetworkNamespace> NetworkNamespace::Create() {
  UniqueFd fd;
  const Status created = RunAlone([&]() -> Status {
    if (Status entered = EnterNew(); !entered) {
      return entered;
    }
    Result<UniqueFd> own = OpenOwn();
    if (!own) {
      return own.error();
    }
    fd = std::move(own).value();
    return Ok();
  });
  if (!created) {
    return created.error();
  }
  Result<NetworkNamespace> made = FromDescriptor(std::move(fd));
  if (made) {
    if (const Status up = made->BringLoopbackUp(); !up) {
      return up.error();
    }
  }
  return made;
}

Result<NetworkNamespace> NetworkNamespace::OpenCurrent() {
  Result<UniqueFd> own = OpenOwn();
  if (!own) {
    return own.error();
  }
  return FromDescriptor(std::move(own).value());
}

Result<NetworkNamespace> NetworkNamespace::OpenOrCreateNamed(
    const std::string& name, const std::string& tun_name) {
  const Result<std::string> path = PathOf(name);
  if (!path) {
    return path.error();
  }
  if (::access(path->c_str(), F_OK) == 0) {
    return OpenNamed(*path, tun_name);
  }
  return CreateNamed(*path);
}

Result<NetworkNamespace> NetworkNamespace::OpenNamed(
    const std::string& path, const std::string& tun_name) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open is what it is
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    return Refused("Opening the network namespace " + path, errno);
  }
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): ioctl is what it is
  if (::ioctl(fd.get(), NS_GET_NSTYPE) != CLONE_NEWNET) {
    return Error{ErrorCode::kExists,
                 path +
                     " exists and is not a network namespace; remove the "
                     "file or choose another name."};
  }
  Result<NetworkNamespace> opened = FromDescriptor(std::move(fd));
  if (!opened) {
    return opened;
  }
  if (const Status sealed = opened->RequireSealed(path, tun_name); !sealed) {
    return sealed.error();
  }
  if (const Status up = opened->BringLoopbackUp(); !up) {
    return up.error();
  }
  return opened;
}

Result<NetworkNamespace> NetworkNamespace::CreateNamed(
    const std::string& path) {
  if (const Status prepared = PrepareDirectory(); !prepared) {
    return prepared.error();
  }
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open is what it is
  const UniqueFd file(
      ::open(path.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0));
  if (!file.valid()) {
    return Refused("Making the file " + path, errno);
  }
  Result<NetworkNamespace> made = Create();
  if (!made) {
    ::unlink(path.c_str());
    return made;
  }
  const Status mounted = made->RunInside([&path]() -> Status {
    if (::mount(kOwnNamespace, path.c_str(), "none", MS_BIND, nullptr) != 0) {
      return Refused("Mounting the network namespace at " + path, errno);
    }
    return Ok();
  });
  if (!mounted) {
    ::unlink(path.c_str());
    return mounted.error();
  }
  return made;
}

Status NetworkNamespace::RemoveNamed(const std::string& name) {
  const Result<std::string> path = PathOf(name);
  if (!path) {
    return path.error();
  }
  if (::access(path->c_str(), F_OK) != 0) {
    return Error{ErrorCode::kNotFound, "There is no network namespace '" +
                                           name + "'; `ip netns` lists them."};
  }
  // EINVAL: a file that nothing is mounted on, left by a crash.
  if (::umount2(path->c_str(), MNT_DETACH) != 0 && errno != EINVAL) {
    return Refused("Unmounting " + *path, errno);
  }
  if (::unlink(path->c_str()) != 0) {
    return Refused("Removing " + *path, errno);
  }
  return Ok();
}

Status NetworkNamespace::BringLoopbackUp() const {
  Result<Netlink> netlink = Netlink::OpenInside(*this);
  if (!netlink) {
    return netlink.error();
  }
  return netlink->SetState("lo", LinkState::kUp);
}

Status NetworkNamespace::RequireSealed(const std::string& path,
                                       const std::string& tun_name) const {
  Result<Netlink> netlink = Netlink::OpenInside(*this);
  if (!netlink) {
    return netlink.error();
  }
  const Result<std::vector<Link>> links = netlink->Links();
  if (!links) {
    return links.error();
  }
  for (const Link& link : *links) {
    if (!BelongsInSealed(link, tun_name)) {
      return Error{ErrorCode::kExists,
                   "The network namespace " + path + " holds the interface '" +
                       link.name +
                       "', by which packets could leave unprotected; remove "
                       "the interface or choose another namespace."};
    }
  }
  return Ok();
}

Status NetworkNamespace::RunThread(const std::function<void()>& call) const {
  return RunAlone([this, &call]() -> Status {
    if (::setns(fd_.get(), CLONE_NEWNET) != 0) {
      return Refused("Entering a network namespace", errno);
    }
    call();
    return Ok();
  });
}

}  // namespace postern
