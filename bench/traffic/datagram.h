// SPDX-License-Identifier: Apache-2.0
//
// What the first octets of a sender's datagrams say:
//
//     0               8
//     | number, from 0 | zeros ...
//
// in the sender's byte order: both ends are programs of one machine.

#ifndef POSTERN_BENCH_TRAFFIC_DATAGRAM_H_
#define POSTERN_BENCH_TRAFFIC_DATAGRAM_H_

#include <cstddef>
#include <cstdint>

namespace postern::bench {

using DatagramNumber = std::uint64_t;

constexpr std::size_t kLeastDatagram = sizeof(DatagramNumber);
constexpr std::size_t kLargestDatagram = 9000;
// Datagrams for one system call.
constexpr std::size_t kTrain = 32;

}  // namespace postern::bench

#endif  // POSTERN_BENCH_TRAFFIC_DATAGRAM_H_
