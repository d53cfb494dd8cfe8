// SPDX-License-Identifier: Apache-2.0
//
// A kernel that a test owns: it answers which socket owns a flow from what the
// test opened. TCP connections win over listeners, connected datagram sockets
// over bound ones, as in Linux; sockets bound to no address are not modelled.
//
//     FakeSocketOwner kernel;
//     kernel.Listen(local, 80, SocketCookie{1});
//     kernel.Open(flow, SocketCookie{2});   // the child appears
//     kernel.Close(flow);
//
// Thread safety: Worker-confined.

#ifndef POSTERN_TESTS_SUPPORT_FAKE_SOCKET_OWNER_H_
#define POSTERN_TESTS_SUPPORT_FAKE_SOCKET_OWNER_H_

#include <cstddef>
#include <map>
#include <tuple>

#include "core/flow/socket_owner.h"

namespace postern {

class FakeSocketOwner : public SocketOwner {
 public:
  // A connection, whatever its state, or a connected datagram socket.
  void Open(const FlowKey& flow, SocketCookie cookie) {
    connections_[flow] = cookie;
  }

  void Close(const FlowKey& flow) { connections_.erase(flow); }

  void Listen(const IpAddress& local, std::uint16_t port, SocketCookie cookie) {
    listeners_[{local, port}] = cookie;
  }

  void StopListening(const IpAddress& local, std::uint16_t port) {
    listeners_.erase({local, port});
  }

  // A datagram socket without a peer.
  void BindUdp(const IpAddress& local, std::uint16_t port,
               SocketCookie cookie) {
    bound_[{local, port}] = cookie;
  }

  void UnbindUdp(const IpAddress& local, std::uint16_t port) {
    bound_.erase({local, port});
  }

  // The cgroup of a socket: told, unless the socket is a request socket.
  void PutInto(CgroupId cgroup, SocketCookie cookie) {
    cgroups_[cookie] = cgroup;
  }

  // A request socket: no cgroup is told of it, but of its listener.
  void OpenHalf(const FlowKey& flow, SocketCookie cookie) {
    Open(flow, cookie);
    half_open_[cookie] = true;
  }

  // From now on the kernel cannot be asked / can be asked again.
  void Break() { broken_ = true; }

  void Mend() { broken_ = false; }

  std::size_t questions() const { return questions_; }

  Owner Find(const FlowKey& key) override {
    ++questions_;
    Owner owner = Search(key);
    owner.half_open = half_open_.contains(owner.cookie);
    if (const auto cgroup = cgroups_.find(owner.cookie);
        cgroup != cgroups_.end() && !owner.half_open) {
      owner.cgroup = cgroup->second;
    }
    return owner;
  }

 private:
  using Ports = std::map<std::tuple<IpAddress, std::uint16_t>, SocketCookie>;

  Owner Search(const FlowKey& key) const {
    if (broken_) {
      return {Owner::Kind::kUnknown, {}, {}};
    }
    if (const auto open = connections_.find(key); open != connections_.end()) {
      return {Owner::Kind::kSocket, open->second, Owner::Role::kEndpoint};
    }
    const bool tcp = key.protocol == Number(IpProtocol::kTcp);
    const Ports& ports = tcp ? listeners_ : bound_;
    const auto port = ports.find({key.local, key.local_port});
    const bool udp = key.protocol == Number(IpProtocol::kUdp);
    if ((tcp || udp) && port != ports.end()) {
      return {Owner::Kind::kSocket, port->second,
              tcp ? Owner::Role::kListener : Owner::Role::kEndpoint};
    }
    return {Owner::Kind::kNobody, {}, {}};
  }

  std::map<FlowKey, SocketCookie> connections_;
  Ports listeners_;
  Ports bound_;
  std::map<SocketCookie, CgroupId> cgroups_;
  std::map<SocketCookie, bool> half_open_;
  bool broken_ = false;
  std::size_t questions_ = 0;
};

}  // namespace postern

#endif  // POSTERN_TESTS_SUPPORT_FAKE_SOCKET_OWNER_H_
