// SPDX-License-Identifier: Apache-2.0
//
// The steps of a packet's life, each made ready outside of the counting and run
// for a batch of packets inside of it. Outside of callgrind they run as well and
// count nothing.

#ifndef POSTERN_BENCH_INSTRUCTIONS_STEPS_H_
#define POSTERN_BENCH_INSTRUCTIONS_STEPS_H_

namespace postern::bench {

// Runs them all; ends the program when a packet is refused. Before each, its
// name and the number of packets that are counted go to standard output:
//     seal/64 2048
// and callgrind dumps under that name behind it.
void CountAllSteps();

}  // namespace postern::bench

#endif  // POSTERN_BENCH_INSTRUCTIONS_STEPS_H_
