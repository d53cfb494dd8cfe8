// SPDX-License-Identifier: Apache-2.0

#include "tun/tun_device.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/net/vnet_header.h"

namespace postern {
namespace {

constexpr const char* kClone = "/dev/net/tun";

// linux/if_tun.h has these from Linux 6.2 on.
constexpr unsigned kUso4 = 0x20;
constexpr unsigned kUso6 = 0x40;

Error CannotOpen(int errno_value) {
  switch (errno_value) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
      return {ErrorCode::kUnavailable,
              "There is no /dev/net/tun; load the kernel's tun module "
              "(modprobe tun), or give the container that device."};
    case EACCES:
    case EPERM:
      return {ErrorCode::kForbidden,
              "Opening /dev/net/tun was refused; run this as root or make the "
              "device readable and writable for its user."};
    default:
      return SystemError("opening /dev/net/tun", errno_value);
  }
}

Error CannotAttach(const std::string& name, int errno_value) {
  switch (errno_value) {
    case EPERM:
    case EACCES:
      return {ErrorCode::kForbidden,
              "Making the TUN '" + name +
                  "' needs CAP_NET_ADMIN in its network namespace; run this as "
                  "root, or under `unshare --user --map-root-user --net`."};
    case EBUSY:
      return {ErrorCode::kExists, "Another process uses the TUN '" + name +
                                      "'; stop it or choose another name."};
    case EINVAL:
      return {ErrorCode::kExists,
              "The interface name '" + name +
                  "' is not valid, or belongs to an interface that is no plain "
                  "TUN, or not one of as many queues; choose another name."};
    default:
      return SystemError("making the TUN " + name, errno_value);
  }
}

// NOLINTBEGIN(cppcoreguidelines-pro-type-vararg): ioctl is what it is

bool KnowsVnetHeader(const UniqueFd& fd) {
  unsigned features = 0;
  return ::ioctl(fd.get(), TUNGETFEATURES, &features) == 0 &&
         (features & IFF_VNET_HDR) != 0;
}

// The most that the kernel grants. With kPlain it must grant nothing: whoever
// had a persistent interface before may have asked for something.
TunOffload AskForOffload(const UniqueFd& fd, TunFraming framing) {
  constexpr unsigned kTso =
      TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;

  struct Step {
    TunOffload offload;
    unsigned flags;
  };

  constexpr std::array<Step, 3> kSteps = {
      {{TunOffload::kTcpAndUdp, kTso | kUso4 | kUso6},
       {TunOffload::kTcp, kTso},
       {TunOffload::kChecksum, TUN_F_CSUM}}};
  if (framing == TunFraming::kVnetHeader) {
    for (const Step& step : kSteps) {
      if (::ioctl(fd.get(), TUNSETOFFLOAD, step.flags) == 0) {
        return step.offload;
      }
    }
  }
  static_cast<void>(::ioctl(fd.get(), TUNSETOFFLOAD, 0U));
  return TunOffload::kNone;
}

// NOLINTEND(cppcoreguidelines-pro-type-vararg)

Status CheckOptions(const TunOptions& options) {
  if (options.name.empty() || options.name.size() >= IFNAMSIZ) {
    return Invalid("The interface name '" + options.name +
                   "' must have 1 to 15 characters.");
  }
  // RFC 791: every host takes 576 octets; less is a slip of the pen.
  constexpr std::size_t kSmallest = 576;
  constexpr std::size_t kLargest = 65535;
  if (options.mtu_octets < kSmallest || options.mtu_octets > kLargest) {
    return Invalid("An MTU of " + std::to_string(options.mtu_octets) +
                   " octets is out of range; choose 576 to 65535, and at least "
                   "1280 for IPv6.");
  }
  return Ok();
}

Status Configure(Netlink& netlink, const std::string& name,
                 const TunOptions& options) {
  if (Status set = netlink.SetMtu(name, options.mtu_octets); !set) {
    return set;
  }
  if (Status set = netlink.SetQueueLength(name, options.queue_packets); !set) {
    return set;
  }
  Status quiet = netlink.DisableAddressGeneration(name);
  // A kernel without IPv6, or with an MTU that IPv6 does not run on, has
  // nothing to turn off.
  const bool no_ipv6 =
      !quiet && (quiet.error().code == ErrorCode::kUnsupported ||
                 quiet.error().code == ErrorCode::kInvalid);
  return no_ipv6 ? Ok() : quiet;
}

}  // namespace

Result<TunDevice::Attached> TunDevice::Attach(const TunOptions& options,
                                              int queues) {
  // NOLINTBEGIN(cppcoreguidelines-pro-type-vararg): open and ioctl are so
  UniqueFd fd(::open(kClone, O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) {
    return CannotOpen(errno);
  }
  const bool vnet =
      options.framing == TunFraming::kVnetHeader && KnowsVnetHeader(fd);
  ifreq request{};
  std::memcpy(request.ifr_name, options.name.data(), options.name.size());
  const int layer = options.layer == TunLayer::kIp ? IFF_TUN : IFF_TAP;
  request.ifr_flags = static_cast<short>(layer | IFF_NO_PI | queues |
                                         (vnet ? IFF_VNET_HDR : 0));
  if (::ioctl(fd.get(), TUNSETIFF, &request) != 0) {
    return CannotAttach(options.name, errno);
  }
  int header_size = sizeof(VnetHeader);
  if (vnet && ::ioctl(fd.get(), TUNSETVNETHDRSZ, &header_size) != 0) {
    return SystemError("setting the packet header size of the TUN", errno);
  }
  // NOLINTEND(cppcoreguidelines-pro-type-vararg)
  const TunFraming framing =
      vnet ? TunFraming::kVnetHeader : TunFraming::kPlain;
  const TunOffload offload = AskForOffload(fd, framing);
  return Attached{std::move(fd), request.ifr_name, framing, offload};
}

// The program before the second queue: with one there is nothing to choose.
Result<std::vector<TunDevice::Attached>> TunDevice::AttachQueues(
    TunOptions options, const SteeringProgram& steering, std::size_t count) {
  std::vector<Attached> queues;
  while (queues.size() < count) {
    Result<Attached> queue = Attach(options, IFF_MULTI_QUEUE);
    if (!queue) {
      return queue.error();
    }
    const int program = steering.descriptor();
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg)
    if (queues.empty() &&
        ::ioctl(queue->fd.get(), TUNSETSTEERINGEBPF, &program) != 0) {
      return SystemError("setting the program that chooses the TUN's queues",
                         errno);
    }
    options.name = queue->name;
    queues.push_back(std::move(*queue));
  }
  return queues;
}

Result<std::shared_ptr<TunDevice::Interface>> TunDevice::SetUp(
    const NetworkNamespace& inside, const std::string& name,
    const TunOptions& options) {
  Result<Netlink> netlink = Netlink::OpenInside(inside);
  if (!netlink) {
    return netlink.error();
  }
  if (const Status set = Configure(*netlink, name, options); !set) {
    return set.error();
  }
  const Result<Link> link = netlink->FindLink(name);
  if (!link) {
    return link.error();
  }
  return std::make_shared<Interface>(std::move(netlink).value(), *link);
}

Result<std::unique_ptr<TunDevice>> TunDevice::Create(
    const NetworkNamespace& inside, const TunOptions& options) {
  if (const Status sane = CheckOptions(options); !sane) {
    return sane.error();
  }
  Result<Attached> attached =
      inside.RunInside([&options] { return Attach(options, 0); });
  if (!attached) {
    return attached.error();
  }
  Result<std::shared_ptr<Interface>> interface =
      SetUp(inside, attached->name, options);
  if (!interface) {
    return interface.error();
  }
  return std::unique_ptr<TunDevice>(
      new TunDevice(std::move(attached).value(), std::move(interface).value()));
}

Result<std::vector<std::unique_ptr<TunDevice>>> TunDevice::CreateQueues(
    const NetworkNamespace& inside, const TunOptions& options,
    const SteeringProgram& steering, std::size_t count) {
  if (const Status sane = CheckOptions(options); !sane) {
    return sane.error();
  }
  Result<std::vector<Attached>> attached =
      inside.RunInside([&] { return AttachQueues(options, steering, count); });
  if (!attached) {
    return attached.error();
  }
  Result<std::shared_ptr<Interface>> interface =
      SetUp(inside, attached->front().name, options);
  if (!interface) {
    return interface.error();
  }
  std::vector<std::unique_ptr<TunDevice>> queues;
  for (Attached& queue : *attached) {
    queues.push_back(std::unique_ptr<TunDevice>(
        new TunDevice(std::move(queue), *interface)));
  }
  return queues;
}

TunDevice::TunDevice(Attached attached, std::shared_ptr<Interface> interface)
    : fd_(std::move(attached.fd)),
      interface_(std::move(interface)),
      offload_(attached.offload),
      reader_(fd_.get(), attached.framing),
      writer_(fd_.get(), attached.framing, attached.offload),
      back_writer_(fd_.get(), attached.framing, attached.offload) {}

Status TunDevice::SetMtu(std::size_t octets) {
  Status set = interface_->netlink.SetMtu(interface_->name, octets);
  if (set) {
    interface_->mtu_octets.store(octets, std::memory_order_relaxed);
  }
  return set;
}

}  // namespace postern
