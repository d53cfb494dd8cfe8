// SPDX-License-Identifier: Apache-2.0

#include "wire/udp_wire.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "core/net/udp_encapsulation.h"
#include "wire/path_mtu.h"
#include "wire/udp_framing.h"

namespace postern {
namespace {

// Of an Ethernet; where nobody says more.
constexpr std::size_t kUsualMtu = 1500;

// A flood of what is refused must not hold a worker: it looks up after so many.
constexpr std::size_t kFetchesAtATime = 8;

std::size_t PathMtu(const UdpWireOptions& options) {
  if (options.path_mtu_octets) {
    return *options.path_mtu_octets;
  }
  std::size_t least = UdpWire::kMostMtu + UdpOverhead(options.peers);
  for (const UdpPeer& peer : options.peers) {
    least = std::min(least, MtuTowards(peer.at).value_or(kUsualMtu));
  }
  return least;
}

bool Equal(ConstBytes octets, const IpAddress& address) {
  return std::ranges::equal(octets, address.octets());
}

}  // namespace

Result<std::unique_ptr<UdpWire>> UdpWire::Create(
    const UdpWireOptions& options) {
  return Make(options, nullptr);
}

Result<std::vector<std::unique_ptr<UdpWire>>> UdpWire::CreateSeveral(
    const UdpWireOptions& options, std::size_t count) {
  std::vector<std::unique_ptr<UdpWire>> wires;
  while (wires.size() < count) {
    Result<std::unique_ptr<UdpWire>> wire =
        Make(options, wires.empty() ? nullptr : wires.front().get());
    if (!wire.ok()) {
      return wire.error();
    }
    wires.push_back(std::move(*wire));
  }
  return wires;
}

Result<std::unique_ptr<UdpWire>> UdpWire::Make(const UdpWireOptions& options,
                                               const UdpWire* first) {
  Result<UdpPeers> peers =
      UdpPeers::Create(options.peers, options.own_addresses);
  if (!peers.ok()) {
    return peers.error();
  }
  UniqueFd waiting(::epoll_create1(EPOLL_CLOEXEC));
  if (!waiting.valid()) {
    return SystemError("making an epoll set for a udp wire", errno);
  }
  std::unique_ptr<UdpWire> wire(
      new UdpWire(std::move(*peers), std::move(waiting)));
  if (Status listening = wire->Listen(options, first); !listening.ok()) {
    return listening.error();
  }
  for (const UdpPeer& peer : options.peers) {
    if (wire->LineTo(*wire->peers_.FindHost(peer.host)) == nullptr) {
      return Invalid("nothing listens in the family of " + peer.at.ToString() +
                     ", where a peer is: add an address to [wire] listen.");
    }
  }
  wire->overhead_ = UdpOverhead(options.peers);
  wire->mtu_ = std::min(kMostMtu, PathMtu(options) - wire->overhead_);
  return wire;
}

Status UdpWire::Listen(const UdpWireOptions& options, const UdpWire* first) {
  for (const UdpEndpoint& at : options.listen) {
    for (const auto& line : lines_) {
      if (line->socket.at().address.family() == at.address.family()) {
        return Invalid(
            "a udp wire listens on one address of each family, and " +
            at.ToString() + " is a second one: remove it.");
      }
    }
    Result<UdpSocket> socket =
        first == nullptr
            ? UdpSocket::Open(at, options.buffer_octets)
            : UdpSocket::OpenBeside(first->lines_[lines_.size()]->socket,
                                    options.buffer_octets);
    if (!socket.ok()) {
      return socket.error();
    }
    lines_.push_back(std::make_unique<Line>(std::move(*socket)));
    if (Status watched = Watch(lines_.back()->socket); !watched.ok()) {
      return watched;
    }
  }
  return Ok();
}

Status UdpWire::Watch(const UdpSocket& socket) const {
  epoll_event event{};
  event.events = EPOLLIN;
  return ::epoll_ctl(waiting_.get(), EPOLL_CTL_ADD, socket.descriptor(),
                     &event) == 0
             ? Ok()
             : Status(SystemError("watching a udp wire's socket", errno));
}

std::vector<UdpEndpoint> UdpWire::listening() const {
  std::vector<UdpEndpoint> endpoints;
  for (const auto& line : lines_) {
    endpoints.push_back(line->socket.at());
  }
  return endpoints;
}

UdpWire::Line* UdpWire::LineTo(const UdpPeers::Entry& peer) {
  const IpFamily family = peer.peer.at.address.family();
  for (const auto& line : lines_) {
    if (line->socket.at().address.family() == family) {
      return line.get();
    }
  }
  return nullptr;
}

void UdpWire::Send(Batch& batch, WorkerStats& stats) {
  for (const Packet& packet : batch.packets()) {
    if (!packet) {
      continue;
    }
    if (const Passage queued = Queue(packet.bytes()); !queued.ok()) {
      stats.Drop(queued.error());
    }
  }
  for (const auto& line : lines_) {
    line->sender.Flush(stats);
  }
  batch.Clear();
}

Passage UdpWire::Queue(ConstBytes packet) {
  const Opinion<EspPayload> payload = TakeOffIpHeader(packet);
  if (!payload.ok()) {
    return payload.error();
  }
  if (packet.size() > mtu_) {
    return DropReason::kTooBig;
  }
  // Most packets go where the one before went.
  if (!destination_ || !Equal(payload->destination, *destination_)) {
    destination_ = IpAddress::FromOctets(payload->destination);
    to_ = peers_.FindHost(*destination_);
    line_ = to_ == nullptr ? nullptr : LineTo(*to_);
  }
  if (line_ == nullptr) {
    return DropReason::kUnknownPeer;
  }
  line_->sender.Add({.octets = payload->octets,
                     .to = &to_->address,
                     .traffic_class = payload->traffic_class});
  return Pass();
}

std::size_t UdpWire::Receive(Batch& batch, PacketPool& pool,
                             WorkerStats& stats) {
  const std::size_t before = batch.size();
  std::size_t fetches = 0;
  std::size_t dry = 0;  // lines in a row that had no more
  while (!batch.full()) {
    if (pool.free() == 0) {
      // Who gets nothing does not ask again: what has come must not lie here.
      if (batch.size() == before) {
        DropArrived(stats);
      }
      break;
    }
    if (const auto arrived = receiver_.Next()) {
      Opinion<Packet> packet = Accept(*arrived, pool);
      if (packet.ok()) {
        batch.Push(std::move(*packet));
      } else {
        stats.Drop(packet.error());
      }
    } else if (dry == lines_.size() || fetches++ == kFetchesAtATime) {
      break;
    } else {
      dry = Fetch(stats) < UdpReceiver::kMessages ? dry + 1 : 0;
    }
  }
  return batch.size() - before;
}

// The lines take turns.
std::size_t UdpWire::Fetch(WorkerStats& stats) {
  turn_ = (turn_ + 1) % lines_.size();
  return receiver_.Fetch(lines_[turn_]->socket.descriptor(), stats);
}

// REQUIRES: the pool is not empty.
Opinion<Packet> UdpWire::Accept(const UdpReceiver::Arrived& arrived,
                                PacketPool& pool) {
  if (arrived.place == UdpReceiver::Arrived::Place::kFirst) {
    from_ = peers_.FindAt(receiver_.from());
  }
  if (from_ == nullptr) {
    return DropReason::kUnknownPeer;
  }
  if (const Passage is_esp = CheckEspPayload(arrived.octets); !is_esp.ok()) {
    return is_esp.error();
  }
  const RebuiltHeader& header = from_->header;
  Packet packet = pool.Take(header.size() + arrived.octets.size());
  if (!packet) {
    return DropReason::kTooBig;
  }
  CopyBytes(packet.bytes().subspan(header.size()), arrived.octets);
  header.Write(packet.bytes(), arrived.traffic_class);
  return packet;
}

void UdpWire::DropArrived(WorkerStats& stats) {
  while (receiver_.Next()) {
    stats.Drop(DropReason::kPoolEmpty);
  }
}

}  // namespace postern
