// SPDX-License-Identifier: Apache-2.0

#include "bench/instructions/steps.h"

#include <valgrind/callgrind.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "ah/signer.h"
#include "ah/verifier.h"
#include "bench/instructions/half.h"
#include "core/rcu.h"
#include "esp/opener.h"
#include "esp/sealer.h"

namespace postern::bench {

namespace {

constexpr std::size_t kBatch = 32;
constexpr std::size_t kWarmUp = 8;  // batches: flows are found, keys scheduled
constexpr std::size_t kCounted = 64;  // batches
constexpr std::size_t kFlows = 64;

void Must(bool value) {
  if (!value) {
    std::fputs("postern_count: a packet was refused\n", stderr);
    std::exit(1);
  }
}

// `prepare` and `run` take turns; what `run` executes is counted.
template <typename Prepare, typename Run>
void CountStep(const std::string& name, Prepare prepare, Run run) {
  for (std::size_t i = 0; i < kWarmUp; ++i) {
    prepare();
    run();
  }
  CALLGRIND_ZERO_STATS;
  for (std::size_t i = 0; i < kCounted; ++i) {
    prepare();
    CALLGRIND_TOGGLE_COLLECT;
    run();
    CALLGRIND_TOGGLE_COLLECT;
  }
  std::printf("%s %zu\n", name.c_str(), kBatch * kCounted);
  CALLGRIND_DUMP_STATS_AT(name.c_str());
}

using Row = std::array<std::optional<Packet>, kBatch>;

std::string Sized(const char* step, std::size_t octets) {
  return std::string(step) + "/" + std::to_string(octets);
}

std::string Flowing(const std::string& step, std::size_t flows) {
  return step +
         (flows == 1 ? "/1_flow" : "/" + std::to_string(flows) + "_flows");
}

void Fill(Row& row, Packets& packets) {
  for (std::optional<Packet>& packet : row) {
    if (packet) {
      packet->Release();
    }
    packet = packets.Next();
  }
}

void Empty(Row& row) {
  for (std::optional<Packet>& packet : row) {
    packet->Release();
    packet.reset();
  }
}

void CountParse() {
  Packets packets(64, 1);
  Row row;
  Fill(row, packets);
  CountStep(
      "parse", [] {},
      [&] {
        for (const std::optional<Packet>& packet : row) {
          Must(IpView::Parse(packet->bytes()).ok());
        }
      });
  Empty(row);
}

void CountDecide(std::size_t flows) {
  const RcuReader reader;
  Half here(Direction::kOutbound, flows);
  OutboundPolicy policy = here.Policy();
  Packets packets(64, flows);
  Row row;
  std::vector<IpView> views;
  CountStep(
      Flowing("decide", flows),
      [&] {
        Fill(row, packets);
        views.clear();
        for (const std::optional<Packet>& packet : row) {
          views.push_back(*IpView::Parse(std::as_const(*packet).bytes()));
        }
      },
      [&] {
        for (const IpView& view : views) {
          Must(std::holds_alternative<Protect>(
              policy.Decide(view, Owner(), Instant())));
        }
      });
  Empty(row);
}

void CountNumber() {
  SilentSinks sinks;
  SecurityAssociation sa(EspOf(Direction::kOutbound), {}, Instant(), 1, sinks);
  CountStep(
      "number", [] {},
      [&] {
        for (std::size_t i = 0; i < kBatch; ++i) {
          Must(sa.NextNumber(1400, Instant()).ok());
        }
      });
}

esp::Parameters GcmParameters() {
  esp::Parameters parameters;
  parameters.spi = Spi{0x1001};
  parameters.encryption = Encryption::kAesGcm16;
  parameters.encryption_key = SecretBytes(Filler(16));
  parameters.salt = SecretBytes(Filler(InfoOf(Encryption::kAesGcm16).salt));
  return parameters;
}

void CountEsp(std::size_t octets) {
  esp::Sealer sealer = esp::Sealer::Create(GcmParameters()).value();
  esp::Opener opener = esp::Opener::Create(GcmParameters()).value();
  Packets packets(octets, 1);
  Row row;
  std::uint64_t sealed = 0;
  const auto seal = [&] {
    for (std::optional<Packet>& packet : row) {
      Must(sealer.Seal(*packet, ++sealed).ok());
    }
  };
  CountStep(
      Sized("seal", octets), [&] { Fill(row, packets); }, seal);
  std::uint64_t opened = sealed;
  CountStep(
      Sized("open", octets),
      [&] {
        Fill(row, packets);
        seal();
      },
      [&] {
        for (std::optional<Packet>& packet : row) {
          const auto content = opener.Open(*packet, ++opened);
          Must(content.ok() && opener.Finish(*packet, *content).ok());
        }
      });
  Empty(row);
}

void CountAh(std::size_t octets) {
  ah::Parameters parameters;
  parameters.spi = Spi{0x1002};
  parameters.integrity = Integrity::kHmacSha2_256_128;
  parameters.integrity_key = SecretBytes(Filler(32));
  ah::Signer signer = ah::Signer::Create(parameters).value();
  ah::Verifier verifier = ah::Verifier::Create(parameters).value();
  Packets packets(octets, 1);
  Row row;
  std::uint64_t given = 0;
  const auto sign = [&] {
    for (std::optional<Packet>& packet : row) {
      Must(signer.Sign(*packet, ++given).ok());
    }
  };
  CountStep(
      Sized("sign", octets), [&] { Fill(row, packets); }, sign);
  std::uint64_t verified = given;
  CountStep(
      Sized("verify", octets),
      [&] {
        Fill(row, packets);
        sign();
      },
      [&] {
        for (std::optional<Packet>& packet : row) {
          const auto content = verifier.Verify(*packet, ++verified);
          Must(content.ok() && verifier.Finish(*packet, *content).ok());
        }
      });
  Empty(row);
}

void CountPipelines(std::size_t octets, std::size_t flows) {
  RcuReader reader;
  Half here(Direction::kOutbound, flows);
  Half there(Direction::kInbound, flows);
  OutboundPipeline outbound = here.Outbound();
  InboundPipeline inbound = there.Inbound();
  Packets packets(octets, flows);
  Batch clear;
  Batch sealed;
  Batch opened;
  const auto fill = [&] {
    reader.Quiescent();
    clear.Clear();
    opened.Clear();
    while (clear.size() < kBatch) {
      clear.Push(packets.Next());
    }
  };
  const auto send = [&] { outbound.Run(clear, sealed, Instant()); };
  CountStep(
      Flowing(Sized("outbound", octets), flows),
      [&] {
        sealed.Clear();
        fill();
      },
      send);
  Must(sealed.size() == kBatch);
  sealed.Clear();
  CountStep(
      Flowing(Sized("inbound", octets), flows),
      [&] {
        fill();
        send();
      },
      [&] { inbound.Run(sealed, opened, Instant()); });
  Must(opened.size() == kBatch);
  opened.Clear();
}

}  // namespace

void CountAllSteps() {
  CountParse();
  CountDecide(1);
  CountDecide(kFlows);
  CountNumber();
  for (const std::size_t octets : {std::size_t{64}, std::size_t{1408}}) {
    CountEsp(octets);
    CountAh(octets);
    CountPipelines(octets, 1);
    CountPipelines(octets, kFlows);
  }
}

}  // namespace postern::bench
