// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/sim_host.h"

#include <string>
#include <utility>

#include "gtest/gtest.h"

#include "core/crypto/algorithm.h"

namespace postern {
namespace {

constexpr std::size_t kWireMtu = 1500;

// A key that depends on everything that tells two SAs apart.
SecretBytes KeyFor(const SaParameters& parameters, std::string_view purpose,
                   std::size_t size) {
  std::string seed(purpose);
  seed += ToString(parameters.identity());
  Octets key(size);
  std::uint32_t state = 2166136261;
  for (std::size_t i = 0; i < size; ++i) {
    for (const char c : seed) {
      state = (state ^ static_cast<unsigned char>(c)) * 16777619;
    }
    key[i] = static_cast<std::uint8_t>(state >> 24);
  }
  return SecretBytes(key);
}

// A thread registers once, however many hosts live in it.
RcuReader& ThreadReader() {
  thread_local RcuReader reader;
  return reader;
}

}  // namespace

Owner FakeKernel::Find(const FlowKey& key) {
  ++questions_;
  if (failing_) {
    return {};
  }
  if (const auto found = endpoints_.find(key); found != endpoints_.end()) {
    return {Owner::Kind::kSocket, found->second, Owner::Role::kEndpoint};
  }
  const auto found = listeners_.find(key.local_port);
  if (found != listeners_.end() && key.protocol == Number(IpProtocol::kTcp)) {
    return {Owner::Kind::kSocket, found->second, Owner::Role::kListener};
  }
  return {Owner::Kind::kNobody, {}, Owner::Role::kEndpoint};
}

SimHost::SimHost(std::string_view address, HeldPackets::Limits hold,
                 Discards discards, const NoticeRules& notices)
    : address_(IpAddress::Parse(address).value()),
      pool_({.packets = 4 * Batch::kCapacity + hold.in_all, .payload = 9216}),
      sadb_(*this),
      outbound_flows_({.system = system_,
                       .sockets = sockets_,
                       .owner = kernel_,
                       .stats = outbound_stats_,
                       .arrivals = &arrivals_},
                      1024),
      inbound_flows_({.system = system_,
                      .sockets = sockets_,
                      .owner = kernel_,
                      .stats = inbound_stats_,
                      .arrivals = &arrivals_},
                     1024),
      outbound_({sadb_, outbound_flows_, acquires_, outbound_stats_,
                 WorkerIndex{0}, kWireMtu, hold,
                 OutboundPipeline::Parts::Fragments::kCarried, this, discards}),
      inbound_({.sadb = sadb_,
                .system = system_,
                .flows = inbound_flows_,
                .audit = *this,
                .stats = inbound_stats_,
                .worker = WorkerIndex{1},
                .notices = notices}) {
  ThreadReader().Quiescent();
}

SimHost::~SimHost() {
  EXPECT_EQ(forgotten(), 0u);
  EXPECT_TRUE(drained());
}

template <typename Pipeline>
std::vector<Octets> SimHost::Run(Pipeline& pipeline,
                                 const std::vector<Octets>& packets) {
  Batch in;
  Batch out;
  for (const Octets& packet : packets) {
    in.Push(pool_.Copy(packet));
  }
  std::vector<Octets> result;
  for (Rest rest = Rest::kMore; rest == Rest::kMore;) {
    rest = pipeline.Run(in, out, now_);
    for (const Packet& packet : out.packets()) {
      const ConstBytes octets = packet.bytes();
      result.emplace_back(octets.begin(), octets.end());
    }
    out.Clear();
  }
  ThreadReader().Quiescent();
  return result;
}

std::vector<Octets> SimHost::SendAll(const std::vector<Octets>& packets) {
  std::vector<Octets> sent = Run(outbound_, packets);
  for (const Packet& error : outbound_.told().packets()) {
    const ConstBytes octets = error.bytes();
    told_.emplace_back(octets.begin(), octets.end());
  }
  outbound_.told().Clear();
  return sent;
}

std::vector<Octets> SimHost::MakeDummy(const DummyOrder& order) {
  std::vector<Octets> sent;
  DummyMaker maker({sadb_, outbound_stats_, WorkerIndex{0}, kWireMtu});
  if (Packet packet = maker.Make(order, pool_, now_)) {
    const ConstBytes octets = std::as_const(packet).bytes();
    sent.emplace_back(octets.begin(), octets.end());
    packet.Release();
  }
  ThreadReader().Quiescent();
  return sent;
}

std::vector<Octets> SimHost::ReceiveAll(const std::vector<Octets>& packets) {
  return Run(inbound_, packets);
}

void SimHost::SetLevel(SocketCookie cookie, Category category, Level level) {
  sockets_.Obtain(cookie).value()->SetLevel(category, level);
}

void SimHost::SetSystemLevel(Category category, Level level) {
  Route v4;
  v4.prefix = IpPrefix::Parse("0.0.0.0/0").value();
  if (const Route* old = system_.routes().Get(v4.prefix); old != nullptr) {
    v4 = *old;
  }
  v4.levels.Set(category, level);
  Route v6 = v4;
  v6.prefix = IpPrefix::Parse("::/0").value();
  SetRoutes({v4, v6});
}

void SimHost::SetRoutes(std::vector<Route> routes) {
  system_.Replace(RouteTable::Create(std::move(routes)).value());
}

void SimHost::SetRules(std::vector<Rule> rules,
                       RuleTable::Otherwise otherwise) {
  system_.ReplaceRules(RuleTable::Create(std::move(rules), otherwise).value());
}

std::uint64_t SimHost::drops(DropReason reason) const {
  return outbound_stats_.of(reason) + inbound_stats_.of(reason);
}

std::uint64_t SimHost::count(Count count) const {
  return outbound_stats_.of(count) + inbound_stats_.of(count);
}

SaParameters SaFor(const IpAddress& source, const IpAddress& destination,
                   Category category, Encryption encryption) {
  SaParameters parameters;
  parameters.protocol = ProtocolOf(category);
  parameters.mode = ModeOf(category);
  parameters.source = source;
  parameters.destination = destination;
  parameters.spi = Spi{0x1000 + 0x100 * static_cast<std::uint32_t>(category) +
                       source.octets().back() * 16u +
                       static_cast<std::uint32_t>(encryption)};
  if (parameters.protocol == IpsecProtocol::kAh) {
    parameters.integrity = Integrity::kHmacSha2_256_128;
  } else {
    const EncryptionInfo& info = InfoOf(encryption);
    const bool aead = info.kind == EncryptionInfo::Kind::kAead;
    parameters.encryption = encryption;
    if (!info.key_sizes.empty()) {
      parameters.encryption_key =
          KeyFor(parameters, "encryption", info.key_sizes[0] + info.salt);
    }
    parameters.integrity =
        aead ? Integrity::kNone : Integrity::kHmacSha2_256_128;
  }
  parameters.integrity_key =
      KeyFor(parameters, "integrity", InfoOf(parameters.integrity).key);
  return parameters;
}

void AddSa(SimHost& from, SimHost& to, Category category,
           Encryption encryption) {
  SaParameters parameters =
      SaFor(from.address(), to.address(), category, encryption);
  parameters.direction = Direction::kOutbound;
  const Status sent = from.sadb().Add(parameters, {}, from.now());
  ASSERT_TRUE(sent.ok()) << sent.error().message;
  parameters.direction = Direction::kInbound;
  const Status received = to.sadb().Add(parameters, {}, to.now());
  ASSERT_TRUE(received.ok()) << received.error().message;
}

}  // namespace postern
