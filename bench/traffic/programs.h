// SPDX-License-Identifier: Apache-2.0
//
// The parts that postern_traffic can play; main.cc has their command lines. Each
// returns the exit status. The results are JSON objects, one a line, on standard
// output, which is flushed after each.

#ifndef POSTERN_BENCH_TRAFFIC_PROGRAMS_H_
#define POSTERN_BENCH_TRAFFIC_PROGRAMS_H_

#include <cstddef>
#include <cstdint>

#include "bench/traffic/socket.h"

namespace postern::bench {

struct Stream {
  std::size_t octets = 64;      // of UDP payload
  std::int64_t per_second = 0;  // 0: as fast as the kernel takes them
  double seconds = 1;
  // Datagrams of a flow; then other flows take over, of another socket. 0: the
  // first flows go on for ever.
  std::uint64_t per_flow = 0;
  // Flows at a time: of one socket, to as many ports, in turn.
  std::size_t ports = 1;
};

// Sends numbered datagrams at an even pace. Tells "sent" and "seconds".
int Send(const Endpoint& remote, const Stream& stream);

// Counts numbered datagrams. Obeys standard input until it ends:
//   begin   forget what came; answers "begun"
//   report  answers what came, once nothing has come for 100 ms: "received",
//           "reordered" (a higher number came before), "seconds" from the
//           first to the last
// At so many ports, from that of `local` on.
int Sink(const Endpoint& local, std::size_t ports);

// Sends datagrams back where they come from, until it is ended.
int Echo(const Endpoint& local);

// `count` datagrams, each after the answer to the one before: "p50_us",
// "p99_us", and "lost", those without an answer in 200 ms.
int Ask(const Endpoint& remote, std::size_t octets, std::size_t count);

// Accepts TCP connections and closes them, until it is ended.
int Accept(const Endpoint& local);

// Opens TCP connections, `outstanding` at a time, and resets each once it is
// there: "connections", "refused", "seconds", "p50_us", "p99_us".
int Connect(const Endpoint& remote, double seconds, std::size_t outstanding);

}  // namespace postern::bench

#endif  // POSTERN_BENCH_TRAFFIC_PROGRAMS_H_
