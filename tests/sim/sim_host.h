// SPDX-License-Identifier: Apache-2.0
//
// A SimHost is a whole virtual IPsec host without threads, devices or a clock:
// SADB, policy, both pipelines, and a kernel that the test plays (FakeKernel).
//
//     SimHost alice("10.9.1.1"), bob("10.9.2.1");
//     AddSaPair(alice, bob, Category::kAh);
//     for (const Octets& packet : alice.Send(syn)) { bob.Receive(packet); }
//
// Thread safety: one test thread; it registers itself as an RCU reader.

#ifndef POSTERN_TESTS_SIM_SIM_HOST_H_
#define POSTERN_TESTS_SIM_SIM_HOST_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/packet/packet_pool.h"
#include "core/rcu.h"
#include "core/stats.h"
#include "pipeline/dummy_maker.h"
#include "pipeline/inbound.h"
#include "pipeline/outbound.h"
#include "policy/socket_table.h"
#include "policy/system_policy.h"
#include "sadb/sadb.h"
#include "tests/support/packet_builder.h"

namespace postern {

// Which sockets the simulated host has. Listeners are found by port, endpoints
// by the whole 5-tuple, as the kernel does.
class FakeKernel : public SocketOwner {
 public:
  Owner Find(const FlowKey& key) override;

  void Listen(std::uint16_t port, SocketCookie cookie) {
    listeners_[port] = cookie;
  }

  void Connect(const FlowKey& flow, SocketCookie cookie) {
    endpoints_[flow] = cookie;
  }

  void Close(const FlowKey& flow) { endpoints_.erase(flow); }

  // From now on the kernel cannot be asked.
  void Fail() { failing_ = true; }

  int questions() const { return questions_; }

 private:
  std::map<std::uint16_t, SocketCookie> listeners_;
  std::map<FlowKey, SocketCookie> endpoints_;
  bool failing_ = false;
  int questions_ = 0;
};

class SimHost : private SaEventSink, private AuditSink {
 public:
  using Discards = OutboundPipeline::Parts::Discards;

  explicit SimHost(std::string_view address, HeldPackets::Limits hold = {},
                   Discards discards = Discards::kSilent,
                   const NoticeRules& notices = {});
  ~SimHost() override;

  const IpAddress& address() const { return address_; }

  // What leaves on the wire (arrives at the TUN) for this packet: itself
  // changed, or nothing. The queue in front of the pipeline holds a whole
  // batch in SendAll() and ReceiveAll().
  std::vector<Octets> Send(const Octets& packet) { return SendAll({packet}); }

  std::vector<Octets> Receive(const Octets& packet) {
    return ReceiveAll({packet});
  }

  std::vector<Octets> SendAll(const std::vector<Octets>& packets);
  std::vector<Octets> ReceiveAll(const std::vector<Octets>& packets);

  // What leaves on the wire for this order.
  std::vector<Octets> MakeDummy(const DummyOrder& order);

  // setsockopt() as the daemon carries it out.
  void SetLevel(SocketCookie cookie, Category category, Level level);
  void SetSystemLevel(Category category, Level level);
  void SetRoutes(std::vector<Route> routes);
  void SetRules(std::vector<Rule> rules, RuleTable::Otherwise otherwise =
                                             RuleTable::Otherwise::kNoLevels);

  std::uint64_t drops(DropReason reason) const;
  std::uint64_t count(Count count) const;

  // Packets that were lost without a reason; zero in every test.
  std::uint64_t forgotten() const { return pool_.forgotten(); }

  // Every buffer is back, but for those that wait for an SA.
  bool drained() const {
    return pool_.free() + outbound_.held() == pool_.shape().packets;
  }

  FakeKernel& kernel() { return kernel_; }

  Sadb& sadb() { return sadb_; }

  SocketTable& sockets() { return sockets_; }

  const std::vector<SaEvent>& events() const { return events_; }

  Acquires& acquires() { return acquires_; }

  // Packets that wait for an SA leave now, if they can.
  std::vector<Octets> Resume() { return SendAll({}); }

  // What the daemon does when an SA was added or an acquire refused.
  void ReleaseHeld() {
    acquires_.Settle(sadb_);
    outbound_.Prod();
  }

  const OutboundPipeline& outbound() const { return outbound_; }

  // ICMP errors to the host's own programs since the last call.
  std::vector<Octets> TakeTold() { return std::exchange(told_, {}); }

  const std::vector<AuditEvent>& audits() const { return audits_; }

  void Advance(Duration by) { now_ += by; }

  Instant now() const { return now_; }

 private:
  bool Post(const SaEvent& event) override {
    events_.push_back(event);
    return true;
  }

  void Audit(const AuditEvent& event) override { audits_.push_back(event); }

  template <typename Pipeline>
  std::vector<Octets> Run(Pipeline& pipeline,
                          const std::vector<Octets>& packets);

  IpAddress address_;
  Instant now_{std::chrono::hours(1)};
  PacketPool pool_;
  FakeKernel kernel_;
  Sadb sadb_;
  SystemPolicy system_;
  SocketTable sockets_;
  Acquires acquires_{nullptr};
  UnownedArrivals arrivals_;
  WorkerStats outbound_stats_;
  WorkerStats inbound_stats_;
  FlowResolver outbound_flows_;
  FlowResolver inbound_flows_;
  OutboundPipeline outbound_;
  InboundPipeline inbound_;
  std::vector<SaEvent> events_;
  std::vector<AuditEvent> audits_;
  std::vector<Octets> told_;
};

// The parameters of the SA that serves `category` from one host to another.
// The two hosts' SAs of one direction have the same keys.
SaParameters SaFor(const IpAddress& source, const IpAddress& destination,
                   Category category,
                   Encryption encryption = Encryption::kAesGcm16);

// Adds what one direction needs to both SADBs.
void AddSa(SimHost& from, SimHost& to, Category category,
           Encryption encryption = Encryption::kAesGcm16);

inline void AddSaPair(SimHost& a, SimHost& b, Category category,
                      Encryption encryption = Encryption::kAesGcm16) {
  AddSa(a, b, category, encryption);
  AddSa(b, a, category, encryption);
}

}  // namespace postern

#endif  // POSTERN_TESTS_SIM_SIM_HOST_H_
