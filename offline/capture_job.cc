// SPDX-License-Identifier: Apache-2.0

#include "offline/capture_job.h"

#include <optional>
#include <ostream>
#include <utility>
#include <vector>

#include "core/net/ip_view.h"
#include "core/packet/packet_pool.h"
#include "offline/capture_file.h"
#include "offline/offline_sadb.h"
#include "offline/packet_opener.h"
#include "offline/packet_protector.h"
#include "offline/sa_file.h"

namespace postern {
namespace {

// "udp 10.9.0.1:9 > 10.9.0.2:9, 60 octets".
std::string Describe(ConstBytes packet) {
  std::string what = "no sound IP packet";
  if (const Opinion<IpView> view = IpView::Parse(packet); view.ok()) {
    const Opinion<FlowKey> key = view->Key(Direction::kOutbound);
    what = key.ok() ? ToString(*key)
                    : view->source().ToString() + " > " +
                          view->destination().ToString();
  }
  return what + ", " + std::to_string(packet.size()) + " octets";
}

// "esp 0x00001001 to 10.9.0.2, seq 7; ah ...".
std::string Describe(const Steps& steps) {
  std::string text;
  for (const Step& step : steps) {
    text += (text.empty() ? "" : "; ") +
            ToString(step.association->parameters().identity()) + ", seq " +
            std::to_string(step.sequence);
  }
  return text;
}

// Authentic or harmless, and nothing to deliver.
bool IsNoRefusal(DropReason reason) {
  return reason == DropReason::kDummyPacket ||
         reason == DropReason::kNatKeepalive;
}

class Work {
 public:
  Work(const CaptureJob& job, OfflineSadb& sadb,
       const std::vector<SaParameters>& associations, std::ostream& lines)
      : job_(job),
        protector_(sadb.sadb(), associations),
        opener_(sadb.sadb()),
        lines_(lines) {}

  Status Run(CaptureReader& from, CaptureWriter& to) {
    if (from.link() == CaptureReader::Link::kEthernet) {
      lines_ << "Ethernet headers are taken off: " << job_.to
             << " has IP packets alone.\n";
    }
    for (;;) {
      Result<std::optional<CaptureRecord>> record = from.Next();
      if (!record.ok()) {
        return record.error();
      }
      if (!*record) {
        return Ok();
      }
      ++number_;
      const auto packet = from.IpPacketOf(**record);
      if (!packet) {
        ++totals_.left_out;
        Line("a frame without an IP packet", "left out");
        continue;
      }
      const Status taken = Take((*record)->nanoseconds, *packet, to);
      if (!taken.ok()) {
        return taken;
      }
    }
  }

  const CaptureTotals& totals() const { return totals_; }

 private:
  void Line(const std::string& what, const std::string& end) {
    lines_ << number_ << "  " << what << " -> " << end << "\n";
  }

  Status Take(std::uint64_t nanoseconds, ConstBytes octets, CaptureWriter& to) {
    const std::string what = Describe(octets);
    Packet packet = pool_.Copy(octets);
    if (!packet) {
      Judge(what, {.steps = {}, .outcome = DropReason::kTooBig});
      return Ok();
    }
    const Verdict verdict = job_.verb == CaptureJob::Verb::kProtect
                                ? protector_.Protect(packet)
                                : opener_.Open(packet);
    Judge(what, verdict);
    const Status written =
        verdict.outcome.ok()
            ? to.Write(nanoseconds, std::as_const(packet).bytes())
            : Ok();
    packet.Release();
    return written;
  }

  void Judge(const std::string& what, const Verdict& verdict) {
    const bool protects = job_.verb == CaptureJob::Verb::kProtect;
    if (!verdict.outcome.ok()) {
      const DropReasonText& text = TextOf(verdict.outcome.error());
      const bool harmless = IsNoRefusal(text.reason);
      ++(harmless ? totals_.left_out : totals_.refused);
      const std::string after =
          verdict.steps.empty() ? "" : " after " + Describe(verdict.steps);
      Line(what, (harmless ? "left out, " : "refused, ") +
                     std::string(text.name) + after + ": " +
                     std::string(text.sentence));
    } else if (verdict.steps.empty()) {
      ++totals_.copied;
      Line(what, protects ? "copied: no SA is for it"
                          : "copied: it carries neither AH nor ESP");
    } else {
      ++totals_.transformed;
      Line(what, (protects ? "protected (" : "opened (") +
                     Describe(verdict.steps) + ")");
    }
  }

  const CaptureJob& job_;
  PacketProtector protector_;
  PacketOpener opener_;
  std::ostream& lines_;
  PacketPool pool_{{.packets = 2, .payload = 65'535}};
  CaptureTotals totals_;
  std::uint64_t number_ = 0;
};

}  // namespace

Result<CaptureTotals> Run(const CaptureJob& job, std::ostream& lines) {
  const bool protects = job.verb == CaptureJob::Verb::kProtect;
  const auto associations = LoadSaFile(
      job.associations, protects ? Direction::kOutbound : Direction::kInbound);
  if (!associations.ok()) {
    return associations.error();
  }
  OfflineSadb sadb;
  if (const Status added = sadb.Add(*associations, job.first); !added.ok()) {
    return added.error();
  }
  Result<CaptureReader> from = CaptureReader::Open(job.from);
  if (!from.ok()) {
    return from.error();
  }
  if (from->IsSameFile(job.to)) {
    return Invalid(job.to + " is the capture that is read; name another file.");
  }
  Result<CaptureWriter> to = CaptureWriter::Create(job.to);
  if (!to.ok()) {
    return to.error();
  }
  Work work(job, sadb, *associations, lines);
  const Status done = work.Run(*from, *to);
  const Status closed = to->Close();
  for (const Status& status : {done, closed}) {
    if (!status.ok()) {
      return status.error();
    }
  }
  const CaptureTotals& totals = work.totals();
  lines << totals.transformed << (protects ? " protected, " : " opened, ")
        << totals.copied << " copied, " << totals.left_out << " left out, "
        << totals.refused << " refused\n";
  return totals;
}

}  // namespace postern
