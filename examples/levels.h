/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What level_client and level_server share: the command line's words and the
 * setsockopt() calls that they mean.
 */

#ifndef POSTERN_EXAMPLES_LEVELS_H_
#define POSTERN_EXAMPLES_LEVELS_H_

#include <sys/socket.h>

/* Exit statuses. */
enum {
  kOk = 0,
  kUsage = 2,    /* wrong arguments */
  kRefused = 3,  /* a level could not be set: nothing was sent */
  kNetwork = 4,  /* a socket call failed */
  kTimeout = 5,  /* nobody came, or no answer, in time */
  kMismatch = 6, /* the answer is not what was sent */
};

struct Endpoint {
  struct sockaddr_storage address;
  socklen_t size;
};

/*
 * An IPv4 or IPv6 address (no names: nobody is asked for them) and a port.
 * Returns 0, or -1 with a line on standard error.
 */
int ParseEndpoint(const char* address, const char* port, struct Endpoint* out);

/*
 * Sets the levels that the words ask for, each "category=level" as in
 * "ah=require", on a socket of that address's family.
 * Returns kOk, kUsage or kRefused, the latter with a line on standard error.
 */
int SetLevels(int s, int family, char** words, int count);

/*
 * Takes the program's name and "-t <seconds>" off the front. Returns the seconds
 * (1 to 3600; 10 without the option), or -1.
 */
int TakeTimeout(int* argc, char*** argv);

/* Bounds every send, receive, connect and accept of `s`. Returns 0 or -1. */
int BoundCalls(int s, int seconds);

/* kTimeout or kNetwork for the errno of a failed call, with a line. */
int Failure(const char* call);

/*
 * Reads up to and with the first newline, NUL-terminated. Returns its length,
 * 0 at an end without newline, -1 on errors.
 */
long ReadLine(int s, char* line, unsigned long room);

#endif /* POSTERN_EXAMPLES_LEVELS_H_ */
