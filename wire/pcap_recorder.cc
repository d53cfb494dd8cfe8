// SPDX-License-Identifier: Apache-2.0

#include "wire/pcap_recorder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <utility>

namespace postern {
namespace {

struct FileHeader {
  std::uint32_t magic = 0xa1b23c4d;  // nanoseconds, in the writer's byte order
  std::uint16_t version_major = 2;
  std::uint16_t version_minor = 4;
  std::int32_t zone = 0;
  std::uint32_t accuracy = 0;
  std::uint32_t snapshot_length = 262144;
  std::uint32_t link_type = 101;  // LINKTYPE_RAW: an IP packet, nothing around

  friend bool operator==(const FileHeader&, const FileHeader&) = default;
};

static_assert(sizeof(FileHeader) == 24);

struct RecordHeader {
  std::uint32_t seconds;
  std::uint32_t nanoseconds;
  std::uint32_t captured;
  std::uint32_t length;
};

static_assert(sizeof(RecordHeader) == 16);

// Where the last whole record of the capture ends.
off_t EndOfRecords(int file, off_t size) {
  off_t end = sizeof(FileHeader);
  while (true) {
    RecordHeader record{};
    if (::pread(file, &record, sizeof(record), end) !=
            static_cast<ssize_t>(sizeof(record)) ||
        record.captured > FileHeader{}.snapshot_length) {
      return end;
    }
    const off_t next =
        end + static_cast<off_t>(sizeof(record)) + off_t{record.captured};
    if (next > size) {
      return end;
    }
    end = next;
  }
}

// Leaves the file with our header and whole records only.
Status Prepare(int file, const std::string& path) {
  struct stat status {};

  if (::fstat(file, &status) != 0) {
    return SystemError("looking at the capture " + path, errno);
  }
  if (!S_ISREG(status.st_mode)) {
    return Invalid(path + " is not an ordinary file; name one to record to.");
  }
  FileHeader header;
  if (status.st_size == 0) {
    if (::write(file, &header, sizeof(header)) !=
        static_cast<ssize_t>(sizeof(header))) {
      return SystemError("writing the head of the capture " + path, errno);
    }
    return Ok();
  }
  if (::pread(file, &header, sizeof(header), 0) !=
          static_cast<ssize_t>(sizeof(header)) ||
      header != FileHeader{}) {
    return Invalid(path +
                   " is there and is not a capture that this program made; "
                   "remove it or name another file.");
  }
  const off_t end = EndOfRecords(file, status.st_size);
  if (end != status.st_size && ::ftruncate(file, end) != 0) {
    return SystemError("mending the end of the capture " + path, errno);
  }
  return Ok();
}

}  // namespace

Result<std::shared_ptr<PcapWriter>> PcapWriter::Open(const std::string& path) {
  constexpr mode_t kMode = 0600;
  // Non-blocking, so that naming a FIFO is refused and does not hang.
  constexpr int kFlags =
      O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open is what it is
  UniqueFd file(::open(path.c_str(), kFlags, kMode));
  if (!file.valid()) {
    return errno == ELOOP
               ? Invalid(path + " is a symbolic link; name the file itself.")
               : SystemError("opening the capture " + path, errno);
  }
  if (const Status prepared = Prepare(file.get(), path); !prepared) {
    return prepared.error();
  }
  return std::shared_ptr<PcapWriter>(new PcapWriter(std::move(file)));
}

Result<std::unique_ptr<PcapRecorder>> PcapRecorder::Create(
    const std::string& path, std::unique_ptr<PacketPort> port) {
  Result<std::shared_ptr<PcapWriter>> writer = PcapWriter::Open(path);
  if (!writer.ok()) {
    return writer.error();
  }
  return std::make_unique<PcapRecorder>(std::move(*writer), std::move(port));
}

std::size_t PcapRecorder::Receive(Batch& batch, PacketPool& pool,
                                  WorkerStats& stats) {
  const std::size_t before = batch.size();
  const std::size_t received = port_->Receive(batch, pool, stats);
  writer_->Record(batch.packets().subspan(before));
  return received;
}

void PcapRecorder::Send(Batch& batch, WorkerStats& stats) {
  writer_->Record(batch.packets());
  port_->Send(batch, stats);
}

void PcapWriter::Record(std::span<const Packet> packets) {
  if (packets.empty()) {
    return;
  }
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  std::array<RecordHeader, Batch::kCapacity> headers{};
  std::array<iovec, 2 * Batch::kCapacity> parts{};
  std::size_t count = 0;
  std::size_t total = 0;
  for (const Packet& packet : packets) {
    const ConstBytes octets = packet.bytes();
    const auto size = static_cast<std::uint32_t>(octets.size());
    headers[count] = {static_cast<std::uint32_t>(now.tv_sec),
                      static_cast<std::uint32_t>(now.tv_nsec), size, size};
    parts[2 * count] = {&headers[count], sizeof(RecordHeader)};
    // writev() only reads; iovec has no const.
    parts[2 * count + 1] = {const_cast<std::uint8_t*>(octets.data()),
                            octets.size()};
    total += sizeof(RecordHeader) + octets.size();
    ++count;
  }
  // O_APPEND: the batches of two threads never mix.
  const bool written =
      !broken_.load(std::memory_order_relaxed) &&
      ::writev(file_.get(), parts.data(), static_cast<int>(2 * count)) ==
          static_cast<ssize_t>(total);
  if (!written) {
    broken_.store(true, std::memory_order_relaxed);
    records_lost_.fetch_add(count, std::memory_order_relaxed);
  }
}

}  // namespace postern
