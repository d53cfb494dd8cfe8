// SPDX-License-Identifier: Apache-2.0

#include "tun/tun_device.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace postern {
namespace {

constexpr const char* kClone = "/dev/net/tun";

// VnetHeader goes to the kernel as it lies in memory: ten octets, host order.
// (linux/virtio_net.h, which has the original, is not C++.)
static_assert(sizeof(VnetHeader) == 10);

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
                  "TUN; choose another name."};
    default:
      return SystemError("making the TUN " + name, errno_value);
  }
}

struct Attached {
  UniqueFd fd;
  std::string name;  // as the kernel completed it
};

Result<Attached> Attach(const TunOptions& options) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open is what it is
  UniqueFd fd(::open(kClone, O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) {
    return CannotOpen(errno);
  }
  const bool vnet = options.framing == TunFraming::kVnetHeader;
  ifreq request{};
  std::memcpy(request.ifr_name, options.name.data(), options.name.size());
  request.ifr_flags =
      static_cast<short>(IFF_TUN | IFF_NO_PI | (vnet ? IFF_VNET_HDR : 0));
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): ioctl is what it is
  if (::ioctl(fd.get(), TUNSETIFF, &request) != 0) {
    return CannotAttach(options.name, errno);
  }
  int header_size = sizeof(VnetHeader);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): ioctl is what it is
  if (vnet && ::ioctl(fd.get(), TUNSETVNETHDRSZ, &header_size) != 0) {
    return SystemError("setting the packet header size of the TUN", errno);
  }
  return Attached{std::move(fd), request.ifr_name};
}

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
                 std::size_t mtu_octets) {
  if (Status set = netlink.SetMtu(name, mtu_octets); !set) {
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

// The kernel counted from the stamp on.
void LeaveOutStamp(VnetHeader& vnet) {
  constexpr std::uint16_t kStamp = SocketStamp::kOctets;
  for (std::uint16_t* offset : {&vnet.header_length, &vnet.checksum_start}) {
    *offset =
        *offset < kStamp ? 0 : static_cast<std::uint16_t>(*offset - kStamp);
  }
}

DropReason ReasonOf(int errno_value) {
  switch (errno_value) {
    case EAGAIN:
    case ENOBUFS:
    case ENOMEM:
      return DropReason::kPortBusy;
    case EMSGSIZE:
      return DropReason::kTooBig;
    default:
      return DropReason::kPortRefused;
  }
}

}  // namespace

Result<std::unique_ptr<TunDevice>> TunDevice::Create(
    const NetworkNamespace& inside, const TunOptions& options) {
  if (const Status sane = CheckOptions(options); !sane) {
    return sane.error();
  }
  Result<Attached> attached =
      inside.RunInside([&options] { return Attach(options); });
  if (!attached) {
    return attached.error();
  }
  Result<Netlink> netlink = Netlink::OpenInside(inside);
  if (!netlink) {
    return netlink.error();
  }
  if (const Status set =
          Configure(*netlink, attached->name, options.mtu_octets);
      !set) {
    return set.error();
  }
  const Result<Link> link = netlink->FindLink(attached->name);
  if (!link) {
    return link.error();
  }
  return std::unique_ptr<TunDevice>(new TunDevice(std::move(attached->fd),
                                                  std::move(netlink).value(),
                                                  *link, options.framing));
}

TunDevice::TunDevice(UniqueFd fd, Netlink netlink, const Link& link,
                     TunFraming framing)
    : fd_(std::move(fd)),
      netlink_(std::move(netlink)),
      name_(link.name),
      index_(link.index),
      mtu_octets_(link.mtu_octets),
      framing_(framing) {}

Status TunDevice::SetMtu(std::size_t octets) {
  Status set = netlink_.SetMtu(name_, octets);
  if (set) {
    mtu_octets_.store(octets, std::memory_order_relaxed);
  }
  return set;
}

std::size_t TunDevice::Receive(Batch& batch, PacketPool& pool,
                               WorkerStats& stats) {
  const std::size_t before = batch.size();
  // Bounded, so that a flood of packets that we refuse cannot hold us here.
  for (std::size_t i = 0; i < Batch::kCapacity && !batch.full(); ++i) {
    Packet packet = pool.Take(pool.shape().payload);
    if (!packet) {
      break;
    }
    const Arrival arrival = ReadInto(packet);
    if (arrival.octets <= 0) {
      packet.Release();
      break;
    }
    if (const Passage accepted = Accept(packet, arrival); !accepted.ok()) {
      packet.Release();
      stats.Drop(accepted.error());
      continue;
    }
    batch.Push(std::move(packet));
  }
  return batch.size() - before;
}

TunDevice::Arrival TunDevice::ReadInto(Packet& packet) {
  Arrival arrival;
  // A TUN cuts a packet to the room it gets and does not say so: the octet
  // behind the room tells.
  std::uint8_t excess = 0;
  const bool vnet = framing_ == TunFraming::kVnetHeader;
  std::array<iovec, 4> parts = {{
      {&packet.vnet(), vnet ? sizeof(VnetHeader) : 0},
      {arrival.stamp.data(), stamp_ ? arrival.stamp.size() : 0},
      {packet.bytes().data(), packet.size()},
      {&excess, sizeof(excess)},
  }};
  do {
    arrival.octets =
        ::readv(fd_.get(), parts.data(), static_cast<int>(parts.size()));
  } while (arrival.octets < 0 && errno == EINTR);
  return arrival;
}

Passage TunDevice::Accept(Packet& packet, const Arrival& arrival) const {
  std::size_t front =
      framing_ == TunFraming::kVnetHeader ? sizeof(VnetHeader) : 0;
  if (stamp_) {
    const Opinion<Owner> sender = stamp_->Read(arrival.stamp);
    if (!sender.ok()) {
      return sender.error();
    }
    packet.set_sender(*sender);
    front += SocketStamp::kOctets;
    LeaveOutStamp(packet.vnet());
  }
  const auto octets = static_cast<std::size_t>(arrival.octets);
  if (octets < front) {
    return DropReason::kTruncated;
  }
  const std::size_t size = octets - front;
  if (size > packet.size()) {
    return DropReason::kTooBig;
  }
  packet.TrimBack(packet.size() - size);
  return Pass();
}

void TunDevice::Send(Batch& batch, WorkerStats& stats) {
  for (Packet& packet : batch) {
    if (packet && Write(packet) < 0) {
      stats.Drop(ReasonOf(errno));
    }
  }
  batch.Clear();
}

std::int64_t TunDevice::Write(Packet& packet) {
  const bool vnet = framing_ == TunFraming::kVnetHeader;
  std::array<iovec, 2> parts = {{
      {&packet.vnet(), vnet ? sizeof(VnetHeader) : 0},
      {packet.bytes().data(), packet.size()},
  }};
  ssize_t put = -1;
  do {
    put = ::writev(fd_.get(), parts.data(), static_cast<int>(parts.size()));
  } while (put < 0 && errno == EINTR);
  return put;
}

}  // namespace postern
