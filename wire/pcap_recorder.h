// SPDX-License-Identifier: Apache-2.0
//
// A PcapRecorder writes every packet that passes a port into a pcap file, in
// both directions, for tcpdump, tshark and scapy. Several may share one file:
//
//     auto writer = PcapWriter::Open("wire.pcap");
//     PcapRecorder recorded(*writer, std::move(wire));
//
//     | magic a1b23c4d | 2 | 4 | 0 | 0 | snaplen | LINKTYPE_RAW |   24 octets
//     | seconds | nanoseconds | captured | length | IP packet   |   each record
//
// A packet to send is in the file before it is sent, written with one
// unbuffered system call per batch: a SIGKILL loses nothing that left. (A power
// failure may: nothing is synced.)
// An existing capture is continued, so that a restart keeps what was before it;
// a record that was cut off at its end is removed.
//
// Packets pass unchanged. When the disk is full the traffic goes on, the
// recording ends there, and records_lost() counts.
//
// The order in the file is that of the writes: of two packets that different
// threads carry at the same moment, either may be first.
//
// Thread safety: PcapWriter: Thread-safe. PcapRecorder: as PacketPort.
// Cost: one writev() per batch and direction.

#ifndef POSTERN_WIRE_PCAP_RECORDER_H_
#define POSTERN_WIRE_PCAP_RECORDER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/packet/packet_port.h"
#include "core/unique_fd.h"

namespace postern {

class PcapWriter {
 public:
  // The file is made with mode 0600: it may hold clear text.
  // Errors: kInvalid (the file is there and is not a capture of ours; a symbolic
  // link), kSystem.
  static Result<std::shared_ptr<PcapWriter>> Open(const std::string& path);

  // Appends them, one behind the other.
  void Record(std::span<const Packet> packets);

  // Packets that passed and could not be written.
  std::uint64_t records_lost() const {
    return records_lost_.load(std::memory_order_relaxed);
  }

 private:
  explicit PcapWriter(UniqueFd file) : file_(std::move(file)) {}

  UniqueFd file_;
  std::atomic<bool> broken_ = false;  // the file ends inside a record
  std::atomic<std::uint64_t> records_lost_ = 0;
};

class PcapRecorder : public PacketPort {
 public:
  // REQUIRES: neither is null.
  PcapRecorder(std::shared_ptr<PcapWriter> writer,
               std::unique_ptr<PacketPort> port)
      : writer_(std::move(writer)), port_(std::move(port)) {}

  // With a file of its own. Errors: those of PcapWriter::Open().
  static Result<std::unique_ptr<PcapRecorder>> Create(
      const std::string& path, std::unique_ptr<PacketPort> port);

  std::size_t Receive(Batch& batch, PacketPool& pool,
                      WorkerStats& stats) override;

  void Send(Batch& batch, WorkerStats& stats) override;

  std::size_t mtu() const override { return port_->mtu(); }

  int descriptor() const override { return port_->descriptor(); }

  bool IsGone(DescriptorState state) override { return port_->IsGone(state); }

  std::optional<Instant> NextDeadline() const override {
    return port_->NextDeadline();
  }

  std::uint64_t records_lost() const { return writer_->records_lost(); }

 private:
  std::shared_ptr<PcapWriter> writer_;
  std::unique_ptr<PacketPort> port_;
};

}  // namespace postern

#endif  // POSTERN_WIRE_PCAP_RECORDER_H_
