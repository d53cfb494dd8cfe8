// SPDX-License-Identifier: Apache-2.0

#include "bench/instructions/half.h"
#include "bench/instructions/steps.h"

int main() {
  postern::bench::UseWhatValgrindKnows();
  postern::bench::CountAllSteps();
}
