// SPDX-License-Identifier: Apache-2.0
//
// What a burst does by any backend is what single calls do by libcrypto, job
// by job, with packets among them that are refused.

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "core/burst.h"
#include "core/packet/packet_pool.h"
#include "esp/opener.h"
#include "esp/sealer.h"
#include "tests/unit/esp/esp_sas.h"

namespace postern::esp {
namespace {

// The low half of the numbers wraps within a burst.
constexpr std::uint64_t kFirstSeq = 0x1fffffff0;

Octets ClearPacket(std::size_t size, std::mt19937& random) {
  Octets payload(size);
  for (std::uint8_t& octet : payload) {
    octet = static_cast<std::uint8_t>(random());
  }
  return size % 3 == 0 ? HostsV6().Raw(253, payload)
                       : HostsV4().TrafficClass(0x12).Raw(253, payload);
}

// Every so many packets one that transport mode, or anybody, refuses.
Octets MaybeBad(Octets packet, std::size_t index) {
  switch (index % 11) {
    case 3:
      return HostsV4().MoreFragments().Raw(253, Octets(64));
    case 5:
      packet.resize(packet.size() - 1);
      return packet;
    case 7:
      packet.resize(packet.size() + 9);  // link padding
      return packet;
    default:
      return packet;
  }
}

// Nothing when it passed.
std::optional<DropReason> ReasonOf(const Passage& passage) {
  return passage.ok() ? std::nullopt : std::optional(passage.error());
}

class EspBursts
    : public testing::TestWithParam<std::tuple<std::size_t, CryptoBackend>> {
 protected:
  static std::vector<Parameters> AllSas() {
    std::vector<Parameters> all;
    for (Parameters sa : AllTransportSas()) {
      all.push_back(sa);
      sa.numbers = SequenceNumbers::kExtended;
      all.push_back(InTunnel(sa, IpFamily::kV6));
      all.push_back(InTunnel(sa, IpFamily::kV4));
    }
    return all;
  }

  void SetUp() override {
    const auto [index, backend] = GetParam();
    if (const Status there = CheckBackend(backend); !there.ok()) {
      GTEST_SKIP() << there.error().message;
    }
    by_libcrypto_ = AllSas()[index];
    by_libcrypto_.backend = CryptoBackend::kLibcrypto;
    sa_ = by_libcrypto_;
    sa_.backend = backend;
  }

  // A burst of these packets, as jobs.
  struct Outbound {
    std::vector<Packet> packets;
    std::vector<OutboundJob> jobs;
  };

  void Fill(const std::vector<Octets>& clear, Outbound& out) {
    out.packets.reserve(clear.size());
    for (const Octets& octets : clear) {
      Packet& packet = out.packets.emplace_back(pool_.Copy(octets));
      OutboundJob& job = out.jobs.emplace_back();
      job.packet = &packet;
      job.seq = kFirstSeq + out.jobs.size();
    }
  }

  // Opens one by one what a burst sealed.
  void OpenSingly(const std::vector<Octets>& clear, Outbound& out) {
    Result<Sealer> sealer = Sealer::Create(by_libcrypto_);
    Result<Opener> opener = Opener::Create(by_libcrypto_);
    for (std::size_t i = 0; i < clear.size(); ++i) {
      Packet single = pool_.Copy(clear[i]);
      const Passage sealed = sealer->Seal(single, out.jobs[i].seq);
      ASSERT_EQ(ReasonOf(out.jobs[i].outcome), ReasonOf(sealed)) << i;
      if (sealed.ok()) {
        ASSERT_EQ(out.packets[i].size(), single.size()) << i;
        const auto opened = opener->Open(out.packets[i], out.jobs[i].seq);
        ASSERT_TRUE(opened.ok()) << i;
        ASSERT_TRUE(opener->Finish(out.packets[i], *opened).ok()) << i;
        const std::size_t size = IpView::Parse(clear[i])->size();
        ASSERT_EQ(Copied(out.packets[i]),
                  Octets(clear[i].begin(),
                         clear[i].begin() + static_cast<std::ptrdiff_t>(size)));
      }
      single.Release();
      out.packets[i].Release();
    }
  }

  // As a caller does that has looked at the packet.
  static void NotePlace(OpenJob& job) {
    Packet& packet = *job.packet;
    const Opinion<IpView> view = IpView::Parse(packet.bytes());
    if (view.ok() && view->fragment() == IpView::Fragment::kWhole &&
        view->protocol() == Number(IpProtocol::kEsp)) {
      packet.TrimBack(packet.size() - view->size());
      job.place = Place::In(*view);
    }
  }

  // Opens in one burst what was sealed one by one, some of it spoilt.
  void OpenTogether(const std::vector<Octets>& clear) {
    Result<Sealer> sealer = Sealer::Create(by_libcrypto_);
    Result<Opener> single = Opener::Create(by_libcrypto_);
    Result<Opener> opener = Opener::Create(sa_);
    std::vector<Packet> packets;
    std::vector<Packet> again;
    std::vector<OpenJob> jobs(clear.size());
    for (std::size_t i = 0; i < clear.size(); ++i) {
      Packet packet = pool_.Copy(clear[i]);
      static_cast<void>(sealer->Seal(packet, kFirstSeq + i));
      if (i % 6 == 2) {
        packet.bytes()[packet.size() - 1 - i % 40] ^= 4;
      }
      again.push_back(pool_.Copy(packet.bytes()));
      packets.push_back(std::move(packet));
    }
    for (std::size_t i = 0; i < clear.size(); ++i) {
      jobs[i].packet = &packets[i];
      jobs[i].seq = kFirstSeq + i;
      if (i % 2 == 1) {
        NotePlace(jobs[i]);
      }
    }
    opener->Open(jobs);
    for (std::size_t i = 0; i < clear.size(); ++i) {
      const auto alone = single->Open(again[i], kFirstSeq + i);
      ASSERT_EQ(jobs[i].outcome.ok(), alone.ok()) << i;
      if (alone.ok()) {
        ASSERT_EQ(Copied(packets[i]), Copied(again[i])) << i;
        ASSERT_EQ(jobs[i].outcome->place.esp_offset, alone->place.esp_offset);
      } else {
        ASSERT_EQ(jobs[i].outcome.error(), alone.error()) << i;
      }
      packets[i].Release();
      again[i].Release();
    }
  }

  Parameters by_libcrypto_;
  Parameters sa_;
  PacketPool pool_{{.packets = 256, .payload = 2048}};
  std::mt19937 random_{4303};
};

// DEF-08, DEF-42
TEST_P(EspBursts, EqualSingleCallsOfLibcrypto) {
  Result<Sealer> sealer = Sealer::Create(sa_);
  // All lengths, in bursts shorter and longer than what a transform takes at
  // once.
  std::size_t length = 0;
  for (std::size_t count = 1; length <= 1500; count = count % 70 + 9) {
    std::vector<Octets> clear;
    for (std::size_t i = 0; i < count; ++i) {
      clear.push_back(MaybeBad(ClearPacket(length++ % 1501, random_), i));
    }
    Outbound out;
    Fill(clear, out);
    sealer->Seal(out.jobs);
    OpenSingly(clear, out);
    OpenTogether(clear);
    if (HasFatalFailure()) {
      return;
    }
  }
}

std::string NameOfCase(
    const testing::TestParamInfo<std::tuple<std::size_t, CryptoBackend>>&
        info) {
  return std::to_string(std::get<0>(info.param)) +
         (std::get<1>(info.param) == CryptoBackend::kIpsecMb ? "IpsecMb"
                                                             : "Libcrypto");
}

INSTANTIATE_TEST_SUITE_P(
    EverySa, EspBursts,
    testing::Combine(testing::Range(std::size_t{0},
                                    3 * AllTransportSas().size()),
                     testing::ValuesIn(AllBackends())),
    NameOfCase);

}  // namespace
}  // namespace postern::esp
