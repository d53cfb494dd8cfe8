// SPDX-License-Identifier: Apache-2.0

#include "tun/tun_writer.h"

#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <span>

#include "core/packet/refused_send.h"

namespace postern {
namespace {

static_assert(Coalescer::kMostPackets >= Batch::kCapacity);

}  // namespace

TunWriter::TunWriter(int descriptor, TunFraming framing, TunOffload granted)
    : descriptor_(descriptor),
      framing_(framing),
      coalescer_(granted == TunOffload::kTcpAndUdp
                     ? Coalescer::Datagrams::kTogether
                     : Coalescer::Datagrams::kApart) {}

void TunWriter::Send(Batch& batch, WorkerStats& stats) {
  if (framing_ == TunFraming::kPlain) {
    SendPlain(batch, stats);
  } else {
    SendJoined(batch, stats);
  }
  batch.Clear();
}

void TunWriter::SendPlain(Batch& batch, WorkerStats& stats) {
  for (Packet& packet : batch) {
    if (!packet) {
      continue;
    }
    ssize_t put = -1;
    do {
      put = ::write(descriptor_, packet.bytes().data(), packet.size());
    } while (put < 0 && errno == EINTR);
    if (put < 0) {
      stats.Drop(ReasonOfRefusedSend(errno));
    }
  }
}

void TunWriter::SendJoined(Batch& batch, WorkerStats& stats) {
  std::array<Packet*, Batch::kCapacity> packets{};
  std::size_t count = 0;
  coalescer_.Clear();
  for (Packet& packet : batch) {
    if (packet) {
      packets[count++] = &packet;
      coalescer_.Add(packet.bytes());
    }
  }
  for (const Coalescer::Run& run : coalescer_.runs()) {
    if (!Write(run, std::span(packets).first(count))) {
      const DropReason reason = ReasonOfRefusedSend(errno);
      for (std::size_t i = 0; i < run.count; ++i) {
        stats.Drop(reason);
      }
    } else if (run.count > 1) {
      stats.Add(Count::kSuperPacketsWritten);
      stats.Add(Count::kSegmentsWritten, run.count);
    }
  }
}

bool TunWriter::Write(const Coalescer::Run& run, std::span<Packet*> packets) {
  std::array<iovec, 1 + Batch::kCapacity> parts{};
  const Bytes first = packets[run.first]->bytes();
  VnetHeader vnet = Coalescer::Join(run, first);
  parts[0] = {&vnet, sizeof(vnet)};
  parts[1] = {first.data(), first.size()};
  std::size_t index = run.first;
  for (std::size_t i = 1; i < run.count; ++i) {
    index = coalescer_.Next(index);
    const Bytes payload = packets[index]->bytes().subspan(run.headers.size);
    parts[1 + i] = {payload.data(), payload.size()};
  }
  ssize_t put = -1;
  do {
    put = ::writev(descriptor_, parts.data(), 1 + int{run.count});
  } while (put < 0 && errno == EINTR);
  return put >= 0;
}

}  // namespace postern
